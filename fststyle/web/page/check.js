/** What a browser is told that cannot run the page at all; modules do not start there, so this is none. */
(function () {
  var old = !("noModule" in HTMLScriptElement.prototype);
  if (location.protocol !== "file:" && !old) return;
  document.addEventListener("DOMContentLoaded", function () {
    var german = /^de/.test(navigator.language);
    /** @type {HTMLElement} */ (document.getElementById("problems")).textContent = old
      ? german
        ? "Dieser Browser ist zu alt. Ein aktueller Chrome, Edge, Firefox oder Safari kann diese Seite zeigen."
        : "This browser is too old. A current Chrome, Edge, Firefox or Safari can show this page."
      : german
        ? "Ein Browser führt diese Seite nicht aus einer Datei aus. Stelle den Ordner bereit, zum Beispiel mit: python -m http.server"
        : "A browser does not run this page from a file. Serve the folder, for example with: python -m http.server";
  });
})();
