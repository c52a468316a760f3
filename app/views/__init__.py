"""Drawing only: records in, Streamlit elements out. Document and model text is never rendered as Markdown or HTML."""
