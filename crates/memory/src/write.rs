//! Adds and intake: ids are made, facts are looked up, the model decides.

use incoming_leads_model::{Add, Arrival, Draft, Event, Minted, Refusal, Scene, TakeIn, Wants};
use incoming_leads_port::IdSource;

use crate::holdings::Holdings;

/// Decides an add.
pub(crate) fn add(
    holdings: &Holdings,
    scene: Scene<'_>,
    ids: &dyn IdSource,
    add: &Add,
) -> Result<Vec<Event>, Refusal> {
    let minted: Vec<Minted> =
        add.wants().into_iter().map(|wants| mint(holdings, scene, ids, wants)).collect();
    add.decide(scene, &holdings.add_facts(add.needs()), &minted)
}

/// Decides an intake.
pub(crate) fn take_in(
    holdings: &Holdings,
    scene: Scene<'_>,
    ids: &dyn IdSource,
    item: &TakeIn,
) -> Result<Event, Refusal> {
    item.decide(scene, &holdings.add_facts(item.needs()), &mint(holdings, scene, ids, item.wants()))
}

/// Decides a draft of a seed, of whatever category it is.
pub(crate) fn seed(
    holdings: &Holdings,
    scene: Scene<'_>,
    ids: &dyn IdSource,
    draft: Draft,
) -> Result<Vec<Event>, Refusal> {
    match Arrival::from(draft) {
        Arrival::Add(command) => add(holdings, scene, ids, &command),
        Arrival::TakeIn(item) => take_in(holdings, scene, ids, &item).map(|event| vec![event]),
    }
}

/// New ids, of which the uid is known to nobody: an import may have brought uids of another source's making.
fn mint(holdings: &Holdings, scene: Scene<'_>, ids: &dyn IdSource, wants: Wants) -> Minted {
    loop {
        let minted = ids.mint(scene.now, wants);
        if holdings.stage.slot(&minted.uid).is_none() {
            return minted;
        }
    }
}
