"""One query in, ranking and reasons out. No Streamlit, no SQL, no training."""
