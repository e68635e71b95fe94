/* Passkeys: a form with data-cc-passkey="create" or "get" asks the device before it is sent, and puts the answer into
   its field `credential`. The question stands in data-cc-options, or is fetched from data-cc-options-url.
   <button data-cc-print> prints the page. */
(() => {
  "use strict";

  const bytes = (text) => {
    const padded = text.replace(/-/g, "+").replace(/_/g, "/").padEnd(Math.ceil(text.length / 4) * 4, "=");
    return Uint8Array.from(atob(padded), (sign) => sign.charCodeAt(0));
  };
  const text = (buffer) => {
    if (!buffer) return null;
    const signs = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
    return btoa(signs).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };
  const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  function question(options, form) {
    const asked = { ...options.publicKey, challenge: bytes(options.publicKey.challenge) };
    if (form.dataset.ccPasskey === "get") return { ...asked, allowCredentials: known(asked.allowCredentials) };
    const alone = form.elements.passwordless && form.elements.passwordless.checked;
    return {
      ...asked,
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: known(asked.excludeCredentials),
      authenticatorSelection: {
        ...asked.authenticatorSelection,
        residentKey: alone ? "required" : "discouraged",
        requireResidentKey: Boolean(alone),
        ...(alone ? { userVerification: "required" } : {}),
      },
    };
  }

  function answer(made) {
    const { response } = made;
    const parts = { clientDataJSON: text(response.clientDataJSON) };
    if (response.attestationObject) {
      parts.attestationObject = text(response.attestationObject);
      parts.transports = response.getTransports ? response.getTransports() : [];
    } else {
      parts.authenticatorData = text(response.authenticatorData);
      parts.signature = text(response.signature);
      parts.userHandle = text(response.userHandle);
    }
    return {
      type: made.type,
      id: made.id,
      rawId: text(made.rawId),
      response: parts,
      clientExtensionResults: made.getClientExtensionResults(),
    };
  }

  async function optionsOf(form) {
    if (form.dataset.ccOptions) return JSON.parse(form.dataset.ccOptions);
    const got = await fetch(form.dataset.ccOptionsUrl, { headers: { Accept: "application/json" } });
    if (!got.ok) throw new Error(`the site answered ${got.status}`);
    return (await got.json()).request_options;
  }

  async function ask(form) {
    const publicKey = question(await optionsOf(form), form);
    const made = await navigator.credentials[form.dataset.ccPasskey]({ publicKey });
    form.elements.credential.value = JSON.stringify(answer(made));
    form.submit();
  }

  const forms = window.PublicKeyCredential ? document.querySelectorAll("form[data-cc-passkey]") : [];
  for (const form of forms) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const note = form.querySelector("[data-cc-passkey-note]");
      note.textContent = "";
      ask(form).catch(() => {
        note.textContent = "Nothing was sent: the device gave no passkey. Try again, or use another way.";
      });
    });
  }

  for (const button of document.querySelectorAll("[data-cc-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
})();
