// Comfort for pages that work without it: what is kept up to date, copying, and a key for the search.
"use strict";
(() => {
  document.documentElement.classList.add("script");

  // On narrow screens the navigation begins closed.
  const side = document.querySelector(".side");
  if (side && window.matchMedia("(max-width: 59.99rem)").matches) side.open = false;
  if (side) side.dataset.opened = "";

  // Whatever else is clicked, or Escape, closes a menu.
  const menu = document.querySelector(".menu");
  if (menu) {
    document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { menu.open = false; menu.querySelector("summary").focus(); }
    });
  }

  // Each event carries parts of the page; a part that somebody is at stays as it is.
  const live = document.querySelector("[data-live]");
  if (live) {
    const source = new EventSource(live.dataset.live);
    source.addEventListener("part", (event) => {
      const parts = new DOMParser().parseFromString(event.data, "text/html").body;
      for (const part of [...parts.children]) {
        const old = part.id && document.getElementById(part.id);
        if (old && !old.contains(document.activeElement)) old.replaceWith(part);
      }
    });
    source.addEventListener("end", () => source.close());
  }

  // A button with data-copy copies the text of the element that it names.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    const from = button && document.getElementById(button.dataset.copy);
    if (!from || !navigator.clipboard) return;
    navigator.clipboard.writeText(from.textContent).then(() => {
      const name = button.textContent;
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = name; }, 1500);
    });
  });

  // "/" goes to the search.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    const search = document.querySelector("[data-search]");
    if (event.key === "/" && !typing && search && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
    }
  });
})();
