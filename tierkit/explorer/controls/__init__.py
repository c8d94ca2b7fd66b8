"""The controls of the explorer in JupyterLab: core ipywidgets only, every one with a label."""
