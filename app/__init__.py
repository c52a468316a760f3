"""What a person sees: Streamlit pages and the command line."""
