//! Rows that contradict themselves are told of, and nothing breaks off.

use incoming_leads_model::{Accept, ListQuery};
use incoming_leads_port::{ErrorKind, Outcome};

use crate::world::{START, World, call};

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named_and_the_others_go_on() {
    for damage in [
        "UPDATE items SET body = '{' WHERE uid = ?1",
        "UPDATE items SET body = '{\"uid\": 1}' WHERE uid = ?1",
        "UPDATE items SET body = CAST(x'ff' AS TEXT) WHERE uid = ?1",
    ] {
        let world = World::new().await;
        let bad = world.add(call(1, START, 10)).await.uid;
        let good = world.add(call(2, START, 10)).await.uid;
        assert_eq!(world.raw().execute(damage, [bad.as_str()]).unwrap(), 1);
        let error = world.ports.incoming.get(&bad).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "{damage}: {error}");
        assert!(error.to_string().contains("items") && error.to_string().contains(bad.as_str()), "{error}");
        assert_eq!(
            world.ports.incoming.list(&ListQuery::default()).await.unwrap_err().kind(),
            ErrorKind::Damaged
        );
        let error = world.ports.incoming.accept(&bad, &Accept::default()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Damaged, Outcome::NotApplied), "{error}");
        world.ports.incoming.accept(&good, &Accept::default()).await.unwrap();
        world.add(call(3, START, 10)).await;
    }
}

#[tokio::test]
async fn an_account_that_cannot_be_read_is_named() {
    let world = World::new().await;
    world.raw().execute("UPDATE accounts SET layout = '[]', version = 7", []).unwrap();
    let error = world.ports.incoming.list(&ListQuery::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
    assert!(error.to_string().contains("accounts 1"), "{error}");
}
