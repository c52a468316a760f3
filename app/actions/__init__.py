"""What pages do, without Streamlit: functions of a workbench, tested as such."""
