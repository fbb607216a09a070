//! The examples of both v4 documents, sent as they are printed.

use incoming_leads_server::Config;
use incoming_leads_wire_v4::fixtures::{self, Direction, Document, Fixture, Operation};
use serde_json::Value;

use crate::raw::Answer;
use crate::shape::Shapes;
use crate::world::{ADMINISTRATOR, AMOCRM, KOMMO, STRANGER, World};

/// The request of an example: method and target, with what the document prints in them.
const REQUESTS: [(Document, Operation, &str, &str); 17] = {
    use Document::{Amocrm, Kommo};
    use Operation::{Accept, AddForms, AddSip, Decline, Get, Link, List, Summary};
    [
        (Amocrm, List, "GET", "?filter[uid]=98fb033cefde74f5de1a5d3980a2a2d108037"),
        (Amocrm, Get, "GET", "/aa401affb0094076b7449008363c1dc77d6790ad13fb5b08176dc46daa18"),
        (Amocrm, AddSip, "POST", "/sip"),
        (Amocrm, AddForms, "POST", "/forms"),
        (Amocrm, Accept, "POST", "/3cvd1de2ebfsd152fd6a465cd3e586cbdba6827/accept"),
        (Amocrm, Decline, "DELETE", "/98bc1d1de2f960a2ad0e34b52823/decline"),
        (Amocrm, Link, "POST", "/d7faa21ce091fe0da05d8d4c2075090c1e9bfd4/link"),
        (
            Amocrm,
            Summary,
            "GET",
            "/summary?filter[created_at][from]=1589176500&filter[created_at][to]=1589176560&filter[pipeline_id]=2194576",
        ),
        // The document's list shows all that waits, its printed request one of them; both are sent.
        (Kommo, List, "GET", ""),
        (Kommo, List, "GET", "?filter[uid]=5af9dedb6f2c6a29eaac6ee37fc75ffbb66e139e4603bdd0e14e39d4b319"),
        (Kommo, Get, "GET", "/9ca097816a45770002e406db35e2a1945364d570b765332cef7a57289fc0"),
        (Kommo, AddSip, "POST", "/sip"),
        (Kommo, AddForms, "POST", "/forms"),
        (Kommo, Accept, "POST", "/5af9dedb6f2c6a29eaac6ee37fc75ffbb66e139e4603bdd0e14e39d4b319/accept"),
        (Kommo, Decline, "DELETE", "/400c5eb65b9fa7bbfa813cf593b49d4942f325c7c3fbbcf3acf3bee79b63/decline"),
        (Kommo, Link, "POST", "/9ca097816a45770002e406db35e2a1945364d570b765332cef7a57289fc0/link"),
        (Kommo, Summary, "GET", "/summary?filter[pipeline_id]=6950551"),
    ]
};

async fn ask(document: Document, operation: Operation, method: &str, target: &str) -> Answer {
    let (seed, token) = match document {
        Document::Kommo => (KOMMO, ADMINISTRATOR),
        _ => (AMOCRM, STRANGER),
    };
    let world = World::of(&[seed], Config::default()).await;
    let body = fixtures::find(document, operation, Direction::Request).map_or("", |fixture| fixture.json);
    world.ask(token, method, &format!("/api/v4/leads/unsorted{target}"), body).await
}

#[tokio::test]
async fn each_example_request_gets_an_answer_of_the_shape_that_is_shown() {
    let shapes = Shapes::of_both_documents();
    for (document, operation, method, target) in REQUESTS {
        let example = fixtures::find(document, operation, Direction::Response).unwrap();
        let answer = ask(document, operation, method, target).await;
        let name = format!("{} {method} {target}", example.name);
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        assert_eq!(answer.content_type(), "application/hal+json", "{name}");
        let mut answer = answer.json();
        if target.contains("5af9") && operation == Operation::List {
            // One was asked for, three are shown: it stands for all of them.
            let one = answer["_embedded"]["unsorted"][0].clone();
            assert_eq!(one["category"], "forms");
            let others = shown(example)["_embedded"]["unsorted"].as_array().unwrap()[1..].to_vec();
            answer["_embedded"]["unsorted"].as_array_mut().unwrap().extend(others);
        }
        assert_eq!(shapes.faults(example, &answer), Vec::<String>::new(), "{name}: {answer:#}");
    }
}

#[test]
fn each_example_request_is_sent() {
    for fixture in fixtures::ALL {
        let is_sent = REQUESTS.iter().any(|(document, operation, ..)| {
            (*document, *operation) == (fixture.document, fixture.operation)
        });
        assert!(is_sent, "{}", fixture.name);
    }
}

/// What does not depend on time or chance is answered to the letter.
#[tokio::test]
async fn the_decisions_of_the_kommo_document_are_answered_to_the_letter() {
    for (document, operation, method, target) in REQUESTS {
        let decides = [Operation::Accept, Operation::Decline].contains(&operation);
        if document != Document::Kommo || !decides {
            continue;
        }
        let example = fixtures::find(document, operation, Direction::Response).unwrap();
        let mut shown =
            shown(example).to_string().replace("https://devteam.kommo.com", "http://leads.example");
        if operation == Operation::Decline {
            // The table has companies, the example has none.
            let company = r#""companies":[{"_links":{"self":{"href":"http://leads.example/api/v4/companies/583292"}},"id":583292}],"contacts""#;
            shown = shown.replace(r#""contacts""#, company);
        }
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(ask(document, operation, method, target).await.json(), shown);
    }
}

fn shown(example: &Fixture) -> Value {
    serde_json::from_str(example.json).unwrap()
}
