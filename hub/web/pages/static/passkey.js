// Passkeys: asks the browser by the options that the page carries, and posts its answer as a plain form. W3C Web Authentication Level 2.
"use strict";
const asked = document.querySelector("form[data-options]");
const button = asked.querySelector("button");

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function told(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
}

async function ask() {
  const options = JSON.parse(asked.dataset.options);
  options.challenge = bytes(options.challenge);
  for (const one of [...(options.allowCredentials ?? []), ...(options.excludeCredentials ?? [])]) one.id = bytes(one.id);
  if (!options.user) return navigator.credentials.get({ publicKey: options });
  options.user.id = bytes(options.user.id);
  return navigator.credentials.create({ publicKey: options });
}

if (window.PublicKeyCredential) {
  button.disabled = false;
  asked.addEventListener("submit", async (event) => {
    if (asked.credential.value) return;
    event.preventDefault();
    button.disabled = true;
    try {
      asked.credential.value = told(await ask());
      asked.submit();
    } catch {
      button.disabled = false;
      document.querySelector("[data-failed]").hidden = false;
    }
  });
} else {
  document.querySelector("[data-without]").hidden = false;
}
