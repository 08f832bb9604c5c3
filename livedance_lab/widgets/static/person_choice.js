// @ts-check
/**
 * person_choice.js: lets the user choose the followed person, by a click on their skeleton or with a button.
 *
 * With one person nothing can be chosen: there is no button, and the picture takes no clicks.
 */

export class PersonChoice {
  /**
   * @param {HTMLButtonElement} button @param {HTMLCanvasElement} canvas
   * @param {import("./skeleton_animation.js").SkeletonAnimation} animation
   * @param {(id: number) => void} follow requests that a person is followed
   */
  constructor(button, canvas, animation, follow) {
    this.button = button;
    this.canvas = canvas;
    this.animation = animation;
    this.follow = follow;
    this.text = ""; // the button's tooltip
    button.addEventListener("click", () => this.choose(this.next()));
    canvas.addEventListener("click", (event) => this.choose(animation.personAt(event.offsetX, event.offsetY)));
    this.update();
  }

  /** @param {number | null} id null: nobody */
  choose(id) {
    if (id !== null && id !== this.animation.followedId) this.follow(id);
  }

  get ids() {
    return [...this.animation.people.keys()].sort((a, b) => a - b);
  }

  /** The person with the next id, after the last one the first. */
  next() {
    return this.ids.find((id) => id > this.animation.followedId) ?? this.ids[0] ?? null;
  }

  /** Show who is followed and whether there is a choice; called with every result. */
  update() {
    const { followedId } = this.animation;
    const { ids, button, canvas } = this;
    const several = ids.length > 1;
    const text = several ? `Person ${followedId} is followed, of ${ids.join(", ")}. Press to follow the next one.` : "";
    if (text === this.text && button.hidden !== several) return;
    this.text = text;
    button.hidden = !several;
    button.textContent = `Person ${followedId}`;
    button.title = text;
    button.setAttribute("aria-label", text);
    if (several) canvas.title = `Click on a person to follow them. Person ${followedId} is followed.`;
    else canvas.removeAttribute("title");
  }
}
