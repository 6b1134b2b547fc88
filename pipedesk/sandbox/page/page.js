"use strict";
// Keeps the page fresh, remembers what is unfolded, takes dropped files. All of it works on <main>.
(() => {
  const main = document.getElementById("main");
  const user = document.body.dataset.user;
  let seen = null;

  const isBusy = () =>
    main.contains(document.activeElement) && document.activeElement.matches("input, button") ||
    main.querySelector(".menu[open], .editor[open]") !== null;

  const keep = () => {
    const open = [...main.querySelectorAll(".folder[open]")].map((each) => each.dataset.key);
    sessionStorage.setItem("open", JSON.stringify(open));
  };
  const restore = () => {
    const open = new Set(JSON.parse(sessionStorage.getItem("open") || "[]"));
    for (const each of main.querySelectorAll(".folder")) {
      if (open.has(each.dataset.key)) each.open = true;
    }
  };
  main.addEventListener("toggle", (event) => event.target.matches(".folder") && keep(), true);

  const reload = async () => {
    const answer = await fetch(location.href);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    main.replaceChildren(...fresh.getElementById("main").childNodes);
    restore();
  };
  const watch = async () => {
    try {
      const { version } = await (await fetch("/_sandbox/version")).json();
      if (seen !== null && seen !== version && !isBusy()) await reload();
      if (seen === null || !isBusy()) seen = version;
    } catch { /* the sandbox restarts: the next round finds it again */ }
    setTimeout(watch, 1000);
  };

  const upload = async (folder, files) => {
    for (const file of files) {
      const place = new URLSearchParams({ user, id: folder, name: file.name });
      await fetch(`/_sandbox/page/file/drop?${place}`, { method: "POST", body: file });
    }
    await reload();
  };
  const folderUnder = (event) => event.target.closest("[data-folder]");
  const mark = (folder) => {
    for (const each of main.querySelectorAll(".over")) each.classList.remove("over");
    folder?.classList.add("over");
  };
  main.addEventListener("dragover", (event) => {
    const folder = folderUnder(event);
    if (!folder) return;
    event.preventDefault();
    mark(folder);
  });
  main.addEventListener("dragleave", (event) => main.contains(event.relatedTarget) || mark(null));
  main.addEventListener("drop", (event) => {
    const folder = folderUnder(event);
    if (!folder) return;
    event.preventDefault();
    mark(null);
    upload(folder.dataset.folder, event.dataTransfer.files);
  });
  main.addEventListener("change", (event) => {
    if (event.target.matches("input[type=file]")) upload(event.target.dataset.folder, event.target.files);
  });
  document.addEventListener("click", (event) => {
    for (const each of main.querySelectorAll(".menu[open]")) {
      if (!each.contains(event.target)) each.open = false;
    }
  });

  restore();
  watch();
})();
