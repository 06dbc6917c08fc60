"""A page to try networks on, by Gradio: pip install gradio, then python examples/gradio_app.py."""

import gradio as gr

from fststyle import Stylizer, networks

loaded: dict[str, Stylizer] = {}


def paint(photo, name, strength, keep_color):
    if name not in loaded:
        loaded[name] = Stylizer(name)
    return loaded[name](photo, strength=strength, keep_color=keep_color)


names = gr.Dropdown(list(networks()), value="starry_night", label="Style")
inputs = [
    gr.Image(type="numpy", label="Photo"),
    names,
    gr.Slider(0, 1, 1, label="Strength"),
    gr.Checkbox(label="Keep color"),
]
app = gr.Interface(paint, inputs, gr.Image(format="png", label="Painting"), title="fststyle", flagging_mode="never")

if __name__ == "__main__":
    app.launch()
