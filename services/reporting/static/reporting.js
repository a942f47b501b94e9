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

// A figure that changes is marked for a moment and told politely; what is beside it stays where it is.
const page = document.querySelector("[data-live]");
if (page) {
  const heard = document.createElement("p");
  heard.className = "heard";
  heard.setAttribute("role", "status");
  page.before(heard);
  const address = new URL(page.dataset.live, location.href);
  address.searchParams.set("since", page.dataset.since);
  const live = new EventSource(address);
  live.addEventListener("figures", (event) => {
    const said = [];
    for (const part of JSON.parse(event.data)) {
      const place = document.querySelector(`[data-figure="${CSS.escape(part.key)}"]`);
      if (!place) continue;
      const fresh = document.createElement("div");
      fresh.innerHTML = part.html;
      if (fresh.innerHTML.trim() === place.innerHTML.trim()) continue;
      place.replaceChildren(...fresh.childNodes);
      place.classList.remove("changed");
      void place.offsetWidth; // so that a second change is marked anew
      place.classList.add("changed");
      if (part.said) said.push(part.said);
    }
    if (said.length) heard.textContent = said.length > 3 ? page.dataset.many : said.join(". ");
  });
  addEventListener("pagehide", () => live.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}
