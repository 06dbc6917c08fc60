/** The list of networks; each is shown by what it paints. */
import { element } from "./elements.js";

/** @import {Network} from "./engine.js" */

const FAN = 5; // previews over the headline

export class StylesList {
  /**
   * @param {Network[]} networks
   * @param {(network: Network) => void} onChoose
   */
  constructor(networks, onChoose) {
    this.site = networks;
    /** @type {Network[]} those that the user has brought, the newest first */
    this.own = [];
    this.onChoose = onChoose;
    this.chosen = this.named(nameInAddress()) ?? networks[0];
    window.addEventListener("hashchange", () => this.select(nameInAddress()));
    this.render();
  }

  get networks() {
    return [...this.own, ...this.site];
  }

  list() {
    return this.networks;
  }

  /** @param {Network} network */
  add(network) {
    this.own.unshift(network);
    this.render();
  }

  /** @param {Network[]} networks those of the site */
  replace(networks) {
    this.site = networks;
    if (!this.named(this.chosen?.name)) this.choose(networks[0]);
    this.render();
  }

  /** @param {string | undefined} name */
  named(name) {
    return this.networks.find((network) => network.name === name);
  }

  /** @param {string} name */
  select(name) {
    const network = this.named(name);
    if (!network || network === this.chosen) return;
    this.choose(network);
    this.render();
  }

  /** @param {Network} network */
  choose(network) {
    this.chosen = network;
    // An address that can be passed on, without a step in the history.
    if (network.file && !network.file.startsWith("added:"))
      history.replaceState(null, "", `#${encodeURIComponent(network.name)}`);
    this.describe();
    this.onChoose(network);
  }

  describe() {
    element("painting").textContent = this.chosen?.painting ?? "";
    element("style-download").hidden = !this.chosen?.numbers;
  }

  render() {
    const list = element("networks");
    list.querySelectorAll("label").forEach((item) => item.remove()); // and the button stays, with its focus
    list.append(...this.networks.map((network) => this.item(network)));
    element("fan").replaceChildren(
      ...this.site
        .filter(({ preview }) => preview)
        .slice(0, FAN)
        .map(preview),
    );
    this.describe();
    this.reveal();
  }

  /** On a phone the list is wider than the screen. */
  reveal() {
    const list = element("networks");
    const chosen = list.querySelector("input:checked")?.closest("label");
    if (!chosen) return;
    list.scrollLeft = chosen.offsetLeft - list.offsetLeft - (list.clientWidth - chosen.offsetWidth) / 2;
  }

  /** @param {Network} network */
  item(network) {
    const label = document.createElement("label");
    label.className = "network";
    const radio = document.createElement("input");
    Object.assign(radio, { type: "radio", name: "network", value: network.name, checked: network === this.chosen });
    radio.onchange = () => this.choose(network);
    const title = document.createElement("span");
    title.textContent = label.title = network.title;
    label.append(radio, preview(network), title);
    return label;
  }
}

/** What stands after the #; somebody may have typed it, so it need not be encoded well. */
function nameInAddress() {
  const text = location.hash.slice(1);
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {Network} network */
function preview(network) {
  if (!network.preview) {
    const letter = document.createElement("span");
    letter.className = "letter";
    letter.textContent = network.title.charAt(0);
    letter.setAttribute("aria-hidden", "true");
    return letter;
  }
  const image = document.createElement("img");
  Object.assign(image, { src: network.preview, alt: "", width: 112, height: 112, loading: "lazy", draggable: false });
  return image;
}
