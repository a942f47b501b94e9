// Thanks without leaving the page, and live figures. Every page works without this file.
"use strict";

for (const form of document.querySelectorAll("form.helpful")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = new URLSearchParams(new FormData(form, event.submitter));
    try {
      const answer = await fetch(form.action, { method: "POST", body: said, headers: { accept: "text/html" } });
      if (!answer.ok) throw new Error(answer.status);
      const thanks = new DOMParser().parseFromString(await answer.text(), "text/html");
      form.querySelector("[role=status]").textContent = thanks.querySelector("main .lead").textContent;
      for (const button of form.querySelectorAll("button")) button.hidden = true;
    } catch {
      HTMLFormElement.prototype.submit.call(form); // the usual way says what is wrong
    }
  });
}
