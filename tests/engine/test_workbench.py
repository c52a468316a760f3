"""A served model's documents are cut by its own tokenizer where that is at hand."""

from data.settings import Settings
from engine.lm.local import LocalLM
from engine.workbench import Workbench

NOBODY = "http://127.0.0.1:9/v1"
TEXT = "The document answers the query because of words that are in it."


def test_no_server_is_asked_where_the_model_is_on_this_machine_too(store, tmp_path, tiny_model):
    settings = Settings(home=tmp_path, model=str(tiny_model), lm_url=NOBODY)
    served = Workbench(settings, store).base_lm().clip(TEXT, 6)
    assert served == LocalLM.load(tiny_model, name="tiny", device="cpu").clip(TEXT, 6)
    assert served.cut
