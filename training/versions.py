"""Versions of a collection: made by jobs, promoted through the gate, rolled back by a person.

Every move of an alias is an event with its reason; nothing is rewritten, so the champion's past can be walked back.
"""

from collections.abc import Sequence
from dataclasses import replace

from data.errors import ConflictError, PromotionRefusedError
from data.records import BASE_VERSION_ID, Alias, AliasEvent, Collection, EvaluationRecord, Version
from data.store import Store
from engine.pipeline import check_version
from engine.ranking import DEFAULT_METHOD
from engine.workbench import Workbench
from training import gate
from training.gate import GateOptions


def add(store: Store, collection: Collection, version: Version) -> Version:
    """Store a new version of the collection under the next free name, and make it the challenger."""
    taken = {other.name for other in store.versions.list()}
    number = 1
    while (name := f"{collection.name}-{number}") in taken:
        number += 1
    version = replace(version, name=name, collection_id=collection.collection_id)
    store.versions.add(version)
    challenge(store, collection, version)
    return version


def challenge(store: Store, collection: Collection, version: Version) -> None:
    """Make a version the challenger."""
    previous = store.versions.alias(collection.collection_id, Alias.CHALLENGER)
    if previous is not None and previous.version_id == version.version_id:
        return
    store.versions.move(
        AliasEvent(
            collection_id=collection.collection_id,
            alias=Alias.CHALLENGER,
            version_id=version.version_id,
            previous_version_id=previous.version_id if previous else None,
            reason="trained",
            actor="job",
        )
    )


def promote(
    workbench: Workbench,
    collection: Collection,
    version: Version,
    *,
    actor: str,
    override_reason: str | None = None,
    options: GateOptions | None = None,
) -> None:
    """Make a version the champion if the gate lets it pass.

    The gate reads the newest stored evaluation against the present champion. Raises PromotionRefusedError with the
    conditions that failed; with `override_reason` it is promoted all the same, and the reason is stored. Raises
    IncompatibleVersionError, whatever the reason, for a version that could not rank this collection, and LMError for
    one that a served model does not answer as.
    """
    champion = workbench.champion(collection)
    if champion.version_id == version.version_id:
        raise ConflictError(
            f"{version.name} is the champion of {collection.name} already.", mend="Choose another version to promote."
        )
    workbench.check_base(version)
    check_version(version, collection, version.form or DEFAULT_METHOD)
    refusals = _refusals(workbench.store, collection, version, champion, options)
    if refusals and override_reason is None:
        raise PromotionRefusedError(
            f"{version.name} is not promoted: {' '.join(refusals)}",
            mend="Give more judgments and train again, or promote it with a reason, which is stored.",
            reasons=refusals,
        )
    workbench.try_out(version)
    reason = "passed the gate"
    if refusals:
        reason = f"against the gate: {override_reason} (the gate said: {' '.join(refusals)})"
    _move(workbench.store, collection, version, champion, reason=reason, actor=actor)


def rollback(workbench: Workbench, collection: Collection, *, actor: str) -> Version:
    """Make the champion before the present one the champion again; repeated, it walks further back to the first.

    LMError where a served model does not answer as that one: the alias stays where it is."""
    champion = workbench.champion(collection)
    path = _champions(workbench.store.versions.alias_events(collection.collection_id), champion)
    if len(path) < 2:
        raise ConflictError(
            f"{collection.name} has no champion before {champion.name}.", mend="There is nothing to roll back."
        )
    previous = workbench.store.versions.get(path[-2])
    if previous.adapter_path is not None:  # the base is there as long as the server is
        workbench.try_out(previous)
    _move(workbench.store, collection, previous, champion, reason=f"rolled back from {champion.name}", actor=actor)
    return previous


def newest_evaluation(
    store: Store, collection: Collection, version: Version, champion: Version
) -> EvaluationRecord | None:
    """The version's newest evaluation against that champion."""
    for record in store.evaluations.list(collection.collection_id):
        against = record.report["champion_version_id"]
        if record.version_id == version.version_id and against == champion.version_id:
            return record
    return None


def _refusals(
    store: Store, collection: Collection, version: Version, champion: Version, options: GateOptions | None
) -> tuple[str, ...]:
    record = newest_evaluation(store, collection, version, champion)
    if record is None:
        return (
            f"It was never evaluated against the present champion {champion.name} "
            f"(whyrank evaluate --collection {collection.name} --model {version.name}).",
        )
    return gate.verdict(record.report, options=options).refusals


def _champions(events: Sequence[AliasEvent], champion: Version) -> list[str]:
    """The way to the present champion, the first one first: a move back to the one before takes the last step away."""
    moves = [event for event in events if event.alias is Alias.CHAMPION]
    if not moves:
        return [champion.version_id]
    path = [moves[0].previous_version_id or BASE_VERSION_ID]
    for event in moves:
        if len(path) > 1 and event.version_id == path[-2]:
            path.pop()
        else:
            path.append(event.version_id)
    return path


def _move(
    store: Store, collection: Collection, version: Version, previous: Version, *, reason: str, actor: str
) -> None:
    store.versions.move(
        AliasEvent(
            collection_id=collection.collection_id,
            alias=Alias.CHAMPION,
            version_id=version.version_id,
            previous_version_id=previous.version_id,
            reason=reason,
            actor=actor,
        )
    )
