// The figures of the slice under the pointer, beside it.
const tip = document.getElementById("tip");
document.addEventListener("pointermove", (event) => {
  const says = event.target.dataset?.says;
  tip.hidden = !says;
  if (!says) return;
  tip.textContent = says;
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  tip.style.transform = `translate(${Math.max(8, left)}px, ${event.clientY + 18}px)`;
});
document.addEventListener("scroll", () => (tip.hidden = true), { passive: true });
