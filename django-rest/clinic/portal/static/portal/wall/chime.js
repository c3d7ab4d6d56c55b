// @ts-check
/** Two soft tones for a call. A browser may refuse sound until somebody has pressed something: then the wall stays silent. */

const MUTED = "chairside-wall-muted";
const TONES = [
  { hertz: 659.25, at: 0 },
  { hertz: 523.25, at: 0.45 },
];
const TONE_SECONDS = 1.4;
const LOUDNESS = 0.16;

/** @typedef {"on" | "muted" | "refused"} Sound */

export class Chime {
  /** @param {(sound: Sound) => void} onchange */
  constructor(onchange) {
    this._onchange = onchange;
    /** @type {AudioContext | null} */
    this._audio = null;
    this.isMuted = remembered() === "1";
  }

  get sound() {
    if (this.isMuted) return "muted";
    return this._audio?.state === "suspended" ? "refused" : "on";
  }

  /** Sound after a press of the button, which browsers wait for. */
  press() {
    if (this.sound !== "refused") this.isMuted = !this.isMuted;
    remember(this.isMuted ? "1" : "");
    if (!this.isMuted) this.ring();
    this._onchange(this.sound);
  }

  ring() {
    if (this.isMuted || typeof AudioContext !== "function") return;
    this._audio ??= this._open();
    const audio = this._audio;
    if (audio.state === "running") return this._play(audio);
    // Not awaited: where sound is refused, this promise stays open for ever. Late tones would announce nobody.
    const asked = performance.now();
    audio.resume().then(() => performance.now() - asked < 1000 && this._play(audio), () => {});
    this._onchange(this.sound);
  }

  _open() {
    const audio = new AudioContext();
    audio.onstatechange = () => this._onchange(this.sound);
    return audio;
  }

  /** @param {AudioContext} audio */
  _play(audio) {
    for (const { hertz, at } of TONES) {
      const [tone, volume, start] = [audio.createOscillator(), audio.createGain(), audio.currentTime + at];
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0, start);
      volume.gain.linearRampToValueAtTime(LOUDNESS, start + 0.03);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + TONE_SECONDS);
      tone.connect(volume).connect(audio.destination);
      tone.start(start);
      tone.stop(start + TONE_SECONDS);
    }
  }
}

// A browser may keep nothing for a page.
const remembered = () => {
  try {
    return localStorage.getItem(MUTED);
  } catch {
    return null;
  }
};

/** @param {string} value */
const remember = (value) => {
  try {
    localStorage.setItem(MUTED, value);
  } catch {
    // Until the page is loaded again, then.
  }
};
