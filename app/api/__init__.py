"""The service that search stacks ask: `POST /v1/rerank`, health, metrics; no Streamlit"""
