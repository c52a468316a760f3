"""One file a page: inputs, one action, draw.

Not called `pages`: Streamlit would run the files of a folder of that name, beside the entry script, each as an app of
its own, without the frame.
"""
