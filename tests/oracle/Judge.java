import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * Judge every JSON file below a folder as one FHIR R4 (4.0.1) resource, without network.
 *
 * <p>Prints one JSON object a line for each finding: file (relative, with /), severity, id, location, text; and last {"judged": n}.
 */
public class Judge {
  /** What the validator quotes is mostly what was sent; only names, codes and addresses are let through. */
  private static final Pattern QUOTED = Pattern.compile("(?<![A-Za-z])'([^']*)'|\"([^\"]*)\"");

  private static final Pattern NAME = Pattern.compile("[A-Za-z][\\x21-\\x7e]*");

  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    FhirContext context = FhirContext.forR4();
    ValidationSupportChain chain =
        new ValidationSupportChain(
            new DefaultProfileValidationSupport(context),
            new CommonCodeSystemsTerminologyService(context),
            new InMemoryTerminologyServerValidationSupport(context));
    FhirValidator validator = context.newValidator();
    FhirInstanceValidator instance = new FhirInstanceValidator(chain);
    instance.setAssumeValidRestReferences(true); // "Patient/1" is taken for a Patient, so that a reference to a wrong type is found
    validator.registerValidatorModule(instance);
    List<Path> found;
    try (Stream<Path> walk = Files.walk(folder)) {
      found = walk.filter(one -> one.toString().endsWith(".json")).sorted().toList();
    }
    ObjectMapper json = new ObjectMapper();
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (Path one : found) {
      String name = folder.relativize(one).toString().replace('\\', '/');
      for (Map<String, String> finding : judge(validator, Files.readString(one, StandardCharsets.UTF_8))) {
        Map<String, String> line = new LinkedHashMap<>();
        line.put("file", name);
        line.putAll(finding);
        out.println(json.writeValueAsString(line));
      }
    }
    out.println(json.writeValueAsString(Map.of("judged", found.size())));
  }

  private static List<Map<String, String>> judge(FhirValidator validator, String resource) {
    try {
      return validator.validateWithResult(resource).getMessages().stream()
          .filter(one -> one.getSeverity() != ResultSeverityEnum.INFORMATION)
          .map(Judge::finding)
          .toList();
    } catch (RuntimeException unreadable) {
      return List.of(finding("fatal", "Unreadable", "", unreadable.getClass().getSimpleName()));
    }
  }

  private static Map<String, String> finding(SingleValidationMessage one) {
    return finding(one.getSeverity().getCode(), one.getMessageId(), one.getLocationString(), one.getMessage());
  }

  private static Map<String, String> finding(String severity, String id, String location, String text) {
    Map<String, String> found = new LinkedHashMap<>();
    found.put("severity", severity);
    found.put("id", id == null ? "" : id);
    found.put("location", location == null ? "" : location);
    found.put("text", withoutContent(text));
    return found;
  }

  private static String withoutContent(String text) {
    String plain = QUOTED.matcher(text).replaceAll(hit -> Matcher.quoteReplacement(quoted(hit.group(1) == null ? hit.group(2) : hit.group(1))));
    return plain.length() > 300 ? plain.substring(0, 300) : plain;
  }

  private static String quoted(String piece) {
    return "'" + (NAME.matcher(piece).matches() ? piece : "…") + "'";
  }
}
