// The words of SVG figures whose contrast with the page is below 4.5:1, as [text, fill, contrast].
() => {
  const pixel = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    return [...pixel.getImageData(0, 0, 1, 1).data];
  };
  const linear = (part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const page = rgba(getComputedStyle(document.querySelector(".stApp")).backgroundColor);
  const faint = [];
  for (const text of document.querySelectorAll("[data-testid=stMain] svg text")) {
    const { fill, visibility, fillOpacity } = getComputedStyle(text);
    const box = text.getBoundingClientRect();
    if (!text.textContent.trim() || visibility === "hidden" || !box.width) continue;
    let seen = Number(fillOpacity);
    for (let node = text; node && node !== document.body; node = node.parentElement) seen *= Number(getComputedStyle(node).opacity);
    const colour = rgba(fill);
    const share = (seen * colour[3]) / 255;
    if (share < 0.05) continue; // hidden on purpose
    const shown = colour.slice(0, 3).map((part, at) => part * share + page[at] * (1 - share));
    const [dark, light] = [luminance(shown), luminance(page)].sort((a, b) => a - b);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < 4.5) faint.push([text.textContent.slice(0, 60), fill, contrast.toFixed(2)]);
  }
  return faint;
}
