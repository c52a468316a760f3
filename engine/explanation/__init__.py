"""Why a document has its grade: the prompt, the answer's parser, and the evidence quoted."""
