#!/bin/sh
# Enter or withdraw a consent: FHIR=http://127.0.0.1:8080/fhir sh consent.sh TOKEN FILE [inactive]
# Prints the status of the answer: 201 recorded, 200 another version of it, else why not.
token=$1 file=$2 status=${3:-active}
id=$(sed -n 's/^  "id": "\([^"]*\)",$/\1/p' "$file")
sed "s/^  \"status\": \"[a-z]*\"/  \"status\": \"$status\"/" "$file" |
  curl -sS -o /dev/null -w '%{http_code}\n' -X PUT -H "Authorization: Bearer $token" -H 'Content-Type: application/fhir+json' --data-binary @- "$FHIR/Consent/$id"
