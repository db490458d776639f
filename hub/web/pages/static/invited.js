// The code of an invitation stands behind `#` of its link, where no server sees it: it is taken out of the address and posted.
"use strict";
const form = document.querySelector("form[data-code]");
const code = decodeURIComponent(location.hash.slice(1));
if (code && !form.code.value) {
  history.replaceState(null, "", location.pathname);
  form.code.value = code;
  form.submit();
}
