"""What runs inside vLLM, where nothing of WhyRank is: `whyrank serve` puts this folder on its path."""
