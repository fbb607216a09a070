//! Add, accept, decline. v2 names many uids at once, the port one: each is carried out and answered by itself.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use http::{Request, Response, StatusCode};
use hyper::body::Bytes;
use incoming_leads_model::{Channel, Receipt, Uid};
use incoming_leads_port::{Error, ErrorKind};
use incoming_leads_wire_v2::{Call, Named, Problem, Sort, Sorted, accept, add, decline};
use tokio::time::Instant;

use super::Answer;
use crate::app::{App, Caller};
use crate::failure::{on_v2, with_advice};

/// How many uids of one request are under way at a time.
const AT_ONCE: usize = 8;

/// `POST /api/v2/incoming_leads/sip` and `.../form`
pub(super) async fn add(channel: Channel, caller: &Caller, request: &Request<Bytes>, call: &Call) -> Answer {
    let command = add::read_request(channel, request)?;
    let receipts = caller.session.ports.incoming.add(&command).await?;
    Ok(add::response(&receipts, call))
}

/// `POST /api/v2/incoming_leads/accept`
pub(super) async fn accept(app: &App, caller: &Caller, request: &Request<Bytes>, call: &Call) -> Answer {
    let Sort { command, uids, .. } = accept::read_request(request)?;
    let incoming = &caller.session.ports.incoming;
    let sorted = each(uids, app.patience(), async |uid| incoming.accept(&uid, &command).await).await;
    Ok(sorted.tell(|sorted| accept::response(sorted, call)))
}

/// `POST /api/v2/incoming_leads/decline`
pub(super) async fn decline(app: &App, caller: &Caller, request: &Request<Bytes>, call: &Call) -> Answer {
    let Sort { command, uids, .. } = decline::read_request(request)?;
    let incoming = &caller.session.ports.incoming;
    let sorted = each(uids, app.patience(), async |uid| incoming.decline(&uid, &command).await).await;
    Ok(sorted.tell(|sorted| decline::response(sorted, call)))
}

/// What became of all uids, in their order.
struct AllSorted {
    sorted: Vec<Sorted>,
    /// The longest wait that one of them was asked for.
    retry_after: Option<Duration>,
}

impl AllSorted {
    fn tell(self, write: impl FnOnce(&[Sorted]) -> Response<Vec<u8>>) -> Response<Vec<u8>> {
        with_advice(write(&self.sorted), self.retry_after)
    }
}

/// Carries a command out on each uid, some at a time, and tells in their order what became of them.
///
/// Once the other side takes nothing any more, or the time is over, the rest is not begun: whoever asks gets an answer
/// in time that says of each uid whether it took effect.
async fn each<F>(uids: Vec<Named>, patience: Duration, command: impl Fn(Uid) -> F + Sync) -> AllSorted
where
    F: Future<Output = Result<Receipt, Error>> + Send,
{
    let (is_over, until) = (&AtomicBool::new(false), Instant::now() + patience);
    let command = &command;
    let one = |Named { text, uid, .. }: Named| async move {
        let Some(uid) = uid else {
            let unknown = Problem::unknown_uid(&text);
            return (Sorted::new(text, Err(unknown)), None);
        };
        if is_over.load(Ordering::Relaxed) || Instant::now() >= until {
            return (Sorted::new(text, Err(not_begun())), None);
        }
        let outcome = command(uid).await;
        let error = outcome.as_ref().err();
        if error.is_some_and(is_of_all) {
            is_over.store(true, Ordering::Relaxed);
        }
        let retry_after = error.and_then(Error::retry_after);
        (Sorted::new(text, outcome.map_err(|error| on_v2(&error))), retry_after)
    };
    let all: Vec<_> = stream::iter(uids).map(one).buffered(AT_ONCE).collect().await;
    let retry_after = all.iter().filter_map(|(_, retry_after)| *retry_after).max();
    AllSorted { sorted: all.into_iter().map(|(sorted, _)| sorted).collect(), retry_after }
}

/// Whether an error would meet the next uid just the same.
fn is_of_all(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unauthorized
            | ErrorKind::RateLimited
            | ErrorKind::Blocked
            | ErrorKind::Unavailable
            | ErrorKind::Timeout
            | ErrorKind::Unexpected
            | ErrorKind::Damaged
    )
}

fn not_begun() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not begun: what came before it took too long or failed")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use incoming_leads_model::Refusal;
    use incoming_leads_port::Operation;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn names(count: usize) -> Vec<Named> {
        let names: Vec<_> = (0..count).map(|number| format!("\"u{number}\"")).collect();
        let request = Request::post("/").header("content-type", "application/json");
        let request = request.body(format!("{{\"decline\": [{}]}}", names.join(","))).unwrap();
        decline::read_request(&request).unwrap().uids
    }

    fn statuses(all: &AllSorted) -> Vec<u16> {
        let status =
            |sorted: &Sorted| sorted.outcome.as_ref().map_or_else(|error| error.status.as_u16(), |_| 200);
        all.sorted.iter().map(status).collect()
    }

    #[tokio::test]
    async fn each_uid_is_answered_in_its_order_and_few_are_under_way_at_once() {
        let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let all = each(names(100), PATIENCE, async |uid| {
            most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // The later ones are done sooner.
            let number: usize = uid.as_str()[1..].parse().unwrap();
            for _ in 0..100 - number {
                tokio::task::yield_now().await;
            }
            under_way.fetch_sub(1, Ordering::SeqCst);
            if number.is_multiple_of(3) {
                return Err(Error::refused(Operation::Decline, Refusal::NotFound(uid)));
            }
            Ok(Receipt::of(uid))
        })
        .await;
        let told: Vec<_> = all.sorted.iter().map(|sorted| sorted.name.clone()).collect();
        assert_eq!(told, (0..100).map(|number| format!("u{number}")).collect::<Vec<_>>());
        let expected: Vec<u16> =
            (0..100).map(|number| if usize::is_multiple_of(number, 3) { 404 } else { 200 }).collect();
        assert_eq!(statuses(&all), expected);
        assert_eq!(most.load(Ordering::SeqCst), AT_ONCE);
    }

    #[tokio::test]
    async fn what_meets_all_stops_the_rest() {
        let begun = AtomicUsize::new(0);
        let all = each(names(50), PATIENCE, async |uid| {
            begun.fetch_add(1, Ordering::SeqCst);
            if uid.as_str() == "u0" {
                return Ok(Receipt::of(uid));
            }
            let error = Error::new(ErrorKind::Unavailable, Operation::Decline);
            Err(error.with_retry_after(Duration::from_secs(7)))
        })
        .await;
        assert!(begun.load(Ordering::SeqCst) <= AT_ONCE + 1, "{begun:?}");
        assert_eq!((statuses(&all)[0], statuses(&all)[1], statuses(&all)[49]), (200, 503, 503));
        assert_eq!(all.retry_after, Some(Duration::from_secs(7)));
    }

    #[tokio::test]
    async fn nothing_is_begun_when_the_time_is_over() {
        let all = each(names(3), Duration::ZERO, async |_| panic!("nothing is begun")).await;
        assert_eq!(statuses(&all), [503, 503, 503]);
    }
}
