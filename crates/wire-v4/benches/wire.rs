//! A page of 250 incoming leads, read and written, beside what serde does with the same bytes.
//!
//! Beside criterion's own output it prints ratios, which `cargo xtask bench` collects.

#![expect(clippy::print_stdout, reason = "the ratios are printed")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use http::Request;
use incoming_leads_model::lifecycle::Channel;
use incoming_leads_model::{
    AccountId, Category, ChatClient, ChatOrigin, ChatsMetadata, CompanyId, ContactId, Entity, FormsMetadata,
    IncomingLead, LeadId, ListQuery, MailAuthor, MailMetadata, Metadata, Moment, More, Page, PageRequest,
    PipelineId, SipMetadata, Uid,
};
use incoming_leads_wire_v4::fixtures::{self, Direction, Document, Operation};
use incoming_leads_wire_v4::{Fragment, Origin, add, fragment, list};
use serde_json::Value;

fn main() {
    let (page, query, origin) =
        (page(), query(), Origin::new("https://example.kommo.com").expect("an origin"));
    let answer = list::response(&page, &query, &origin);
    let fragments: Vec<Fragment> = page.items.iter().map(fragment).collect();
    println!("a page of {} items has {} bytes", page.items.len(), answer.body().len());

    let decode = || list::read_response(&answer).expect("our own page reads back").items.len();
    let decode_value =
        || serde_json::from_slice::<Value>(answer.body()).expect("our own page is JSON").is_object();
    let encode = || list::response(&page, &query, &origin).into_body().len();
    let encode_serde =
        || serde_json::to_vec(&plain::Envelope::of(&page, &origin)).expect("it has no maps").len();
    let join = || list::response_of_fragments(&fragments, More::Yes, &query, &origin).into_body().len();

    let _lid = keep_heap(|| serde_json::from_slice::<Value>(answer.body()).expect("our own page is JSON"));

    let sent =
        fixtures::find(Document::Kommo, Operation::AddSip, Direction::Request).expect("it is printed").json;
    let sent: Request<Vec<u8>> = Request::new(sent.into());
    let read_add =
        || add::read_request(Channel::Sip, &sent).expect("the document's own example").request_ids.len();
    let read_add_value = || serde_json::from_slice::<Value>(sent.body()).expect("it is JSON").is_array();

    ratio("decode 250 items, wire-v4 / serde_json::Value", Some("2.5"), &decode, &decode_value);
    ratio(
        "read an add, checked and decoded by wire-v4 / serde_json::Value",
        None,
        &read_add,
        &read_add_value,
    );
    ratio("encode 250 items, wire-v4 / serde with String hrefs", None, &encode, &encode_serde);
    ratio("encode 250 items, ready fragments / serde with String hrefs", None, &join, &encode_serde);

    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(50)
        .configure_from_args();
    criterion.bench_function("decode/wire-v4", |b| b.iter(&decode));
    criterion.bench_function("decode/serde_json::Value", |b| b.iter(&decode_value));
    criterion.bench_function("read an add/wire-v4, checked and decoded", |b| b.iter(&read_add));
    criterion.bench_function("read an add/serde_json::Value", |b| b.iter(&read_add_value));
    criterion.bench_function("encode/wire-v4", |b| b.iter(&encode));
    criterion.bench_function("encode/serde with String hrefs", |b| b.iter(&encode_serde));
    criterion.bench_function("encode/ready fragments", |b| b.iter(&join));
    criterion.final_summary();
}

/// Makes the heap large and keeps its top taken. Otherwise the allocator hands the memory of each round back to the
/// system and fetches it again, and what is measured is page faults: for `Value`, many times its own work.
fn keep_heap<T>(large: impl Fn() -> T) -> Vec<u8> {
    let below: Vec<T> = (0..4).map(|_| large()).collect();
    let lid = vec![1; 100 << 10];
    drop(below);
    lid
}

/// How many times as fast `ours` is as `theirs`: both take turns, and the fastest round of each counts, because whatever
/// else the machine does only ever makes a round slower.
fn ratio<A, B>(name: &str, aim: Option<&str>, ours: &impl Fn() -> A, theirs: &impl Fn() -> B) {
    const FOR: Duration = Duration::from_secs(4);
    fn time<T>(call: &impl Fn() -> T) -> Duration {
        let start = Instant::now();
        black_box(call());
        start.elapsed()
    }
    let start = Instant::now();
    let (mut a, mut b) = (Duration::MAX, Duration::MAX);
    while start.elapsed() < FOR {
        a = a.min(time(ours));
        b = b.min(time(theirs));
    }
    let aim = aim.map(|aim| format!(" (aim {aim})")).unwrap_or_default();
    println!("ratio: {name} = {:.2}{aim}", b.as_secs_f64() / a.as_secs_f64());
}

fn query() -> ListQuery {
    ListQuery { page: PageRequest::new(2, 250).expect("a page"), ..ListQuery::default() }
}

/// 250 items of all four categories, as long as real ones.
fn page() -> Page<IncomingLead> {
    Page { items: (0..250).map(lead).collect(), more: More::Yes }
}

fn lead(n: u64) -> IncomingLead {
    let at =
        |secs: u64| Moment::from_secs(i64::try_from(1_686_800_000 + secs).expect("small")).expect("a moment");
    IncomingLead {
        uid: Uid::compose(at(n), n, [n.to_le_bytes()[0]; 20]),
        account_id: Some(AccountId::new(31_361_463).expect("an id")),
        source_name: Some(Some(format!("Acme Co. source number {n}"))),
        source_uid: Some(Some(format!("a1fee7c0fc436088e64ba2e8822b{n:04}"))),
        pipeline_id: Some(PipelineId::new(6_950_551).expect("an id")),
        created_at: at(n),
        updated_at: Some(at(n)),
        metadata: metadata(Category::ALL[usize::try_from(n % 4).expect("small")], n, at(n)),
        leads: Some(vec![Entity { id: Some(LeadId::new(236_000 + n).expect("an id")), card: None }]),
        contacts: Some(vec![Entity { id: Some(ContactId::new(583_000 + n).expect("an id")), card: None }]),
        companies: Some(vec![Entity { id: Some(CompanyId::new(683_000 + n).expect("an id")), card: None }]),
    }
}

fn metadata(category: Category, n: u64, at: Moment) -> Metadata {
    let text = |text: &str| Some(text.to_owned());
    match category {
        Category::Sip => Metadata::Sip(SipMetadata {
            from: text("onlinePBX"),
            phone: Some(format!("+1415555{n:04}")),
            called_at: Some(at),
            duration: Some(54),
            link: Some(format!("https://records.example.com/calls/{n}/recording.mp3")),
            service_code: text("CkAvbEwPam6sad"),
            ..SipMetadata::default()
        }),
        Category::Forms => Metadata::Forms(FormsMetadata {
            form_id: text("1115559"),
            form_name: text("Feedback form of the landing page"),
            form_page: text("Site request #1115559 from form «Form #1686818993»"),
            ip: text("212.46.197.210"),
            form_sent_at: Some(at),
            referer: text("https://www.google.com/search?q=incoming+leads"),
            ..FormsMetadata::default()
        }),
        Category::Chats => Metadata::Chats(ChatsMetadata {
            from: text("Jane Roe"),
            to: text("1494984c-db73-4ceb-b980-a20a5de569f2"),
            received_at: Some(at),
            service: text("onlinechat"),
            client: ChatClient { name: text("Jane Roe"), ..ChatClient::default() },
            origin: ChatOrigin {
                chat_id: Some(format!("b4b939f3-5a25-4cab-a4e8-57140f7c{n:04}")),
                visitor_uid: text("b2aa4364-7790-4dca-8acc-ab90554f97f8"),
                ..ChatOrigin::default()
            },
            last_message_text: text("Hello, is the offer on your page still valid for new customers?"),
            source_name: text("Live chat"),
            ..ChatsMetadata::default()
        }),
        Category::Mail => Metadata::Mail(MailMetadata {
            from: MailAuthor {
                email: text("jane.roe@example.com"),
                name: text("Jane Roe"),
                ..MailAuthor::default()
            },
            received_at: Some(at),
            subject: text("Question about your prices"),
            thread_id: Some((n + 7000).to_string()),
            message_id: Some((n + 9000).to_string()),
            content_summary: text(
                "Dear all, I would like to know what the yearly plan costs for a team of twenty.",
            ),
            ..MailMetadata::default()
        }),
    }
}

/// The same page by serde's derive: an object for each object, a String for each link.
mod plain {
    use incoming_leads_model::{IncomingLead, Metadata, Page};
    use incoming_leads_wire_v4::Origin;
    use serde::Serialize;

    #[derive(Serialize)]
    pub(crate) struct Envelope<'a> {
        _page: u64,
        _links: Links,
        _embedded: Unsorted<'a>,
    }

    #[derive(Serialize)]
    struct Unsorted<'a> {
        unsorted: Vec<Item<'a>>,
    }

    #[derive(Serialize)]
    struct Item<'a> {
        uid: &'a str,
        source_uid: Option<&'a str>,
        source_name: Option<&'a str>,
        category: &'static str,
        pipeline_id: Option<u64>,
        created_at: i64,
        metadata: Meta<'a>,
        account_id: Option<u64>,
        _links: Links,
        _embedded: Entities,
    }

    #[derive(Serialize)]
    struct Links {
        #[serde(rename = "self")]
        own: Href,
    }

    #[derive(Serialize)]
    struct Href {
        href: String,
    }

    #[derive(Serialize)]
    struct Entities {
        contacts: Vec<Stub>,
        leads: Vec<Stub>,
        companies: Vec<Stub>,
    }

    #[derive(Serialize)]
    struct Stub {
        id: u64,
        _links: Links,
    }

    #[derive(Serialize)]
    #[serde(untagged)]
    enum Meta<'a> {
        Sip {
            from: Option<&'a str>,
            phone: Option<&'a str>,
            called_at: Option<i64>,
            duration: Option<String>,
            link: Option<&'a str>,
            service_code: Option<&'a str>,
        },
        Forms {
            form_id: Option<&'a str>,
            form_name: Option<&'a str>,
            form_page: Option<&'a str>,
            ip: Option<&'a str>,
            form_sent_at: Option<String>,
            referer: Option<&'a str>,
            visitor_uid: Option<&'a str>,
        },
        Chats {
            from: Option<&'a str>,
            to: Option<&'a str>,
            received_at: Option<i64>,
            service: Option<&'a str>,
            client: Client<'a>,
            origin: ChatSource<'a>,
            last_message_text: Option<&'a str>,
            source_name: Option<&'a str>,
        },
        Mail {
            from: Author<'a>,
            received_at: Option<i64>,
            subject: Option<&'a str>,
            thread_id: Option<u64>,
            message_id: Option<u64>,
            content_summary: Option<&'a str>,
        },
    }

    #[derive(Serialize)]
    struct Client<'a> {
        name: Option<&'a str>,
        avatar: Option<&'a str>,
    }

    #[derive(Serialize)]
    struct ChatSource<'a> {
        chat_id: Option<&'a str>,
        r#ref: Option<&'a str>,
        visitor_uid: Option<&'a str>,
    }

    #[derive(Serialize)]
    struct Author<'a> {
        email: Option<&'a str>,
        name: Option<&'a str>,
    }

    impl<'a> Envelope<'a> {
        pub(crate) fn of(page: &'a Page<IncomingLead>, origin: &Origin) -> Self {
            let item = |lead: &'a IncomingLead| Item::of(lead, origin);
            Self {
                _page: 2,
                _links: links(format!("{origin}/api/v4/leads/unsorted?page=2&limit=250")),
                _embedded: Unsorted { unsorted: page.items.iter().map(item).collect() },
            }
        }
    }

    fn links(href: String) -> Links {
        Links { own: Href { href } }
    }

    impl<'a> Item<'a> {
        fn of(lead: &'a IncomingLead, origin: &Origin) -> Self {
            let stub =
                |folder: &str, id: u64| Stub { id, _links: links(format!("{origin}/api/v4/{folder}/{id}")) };
            let contacts = lead.contacts.iter().flatten().filter_map(|entity| entity.id);
            let leads = lead.leads.iter().flatten().filter_map(|entity| entity.id);
            let companies = lead.companies.iter().flatten().filter_map(|entity| entity.id);
            Self {
                uid: lead.uid.as_str(),
                source_uid: lead.source_uid.as_ref().and_then(Option::as_deref),
                source_name: lead.source_name.as_ref().and_then(Option::as_deref),
                category: lead.category().as_str(),
                pipeline_id: lead.pipeline_id.map(|id| id.get()),
                created_at: lead.created_at.secs(),
                metadata: Meta::of(&lead.metadata),
                account_id: lead.account_id.map(|id| id.get()),
                _links: links(format!("{origin}/api/v4/leads/unsorted/{}", lead.uid)),
                _embedded: Entities {
                    contacts: contacts.map(|id| stub("contacts", id.get())).collect(),
                    leads: leads.map(|id| stub("leads", id.get())).collect(),
                    companies: companies.map(|id| stub("companies", id.get())).collect(),
                },
            }
        }
    }

    impl<'a> Meta<'a> {
        fn of(metadata: &'a Metadata) -> Self {
            match metadata {
                Metadata::Sip(call) => Self::Sip {
                    from: call.from.as_deref(),
                    phone: call.phone.as_deref(),
                    called_at: call.called_at.map(|at| at.secs()),
                    duration: call.duration.map(|secs| secs.to_string()),
                    link: call.link.as_deref(),
                    service_code: call.service_code.as_deref(),
                },
                Metadata::Forms(form) => Self::Forms {
                    form_id: form.form_id.as_deref(),
                    form_name: form.form_name.as_deref(),
                    form_page: form.form_page.as_deref(),
                    ip: form.ip.as_deref(),
                    form_sent_at: form.form_sent_at.map(|at| at.secs().to_string()),
                    referer: form.referer.as_deref(),
                    visitor_uid: form.visitor_uid.as_deref(),
                },
                Metadata::Chats(chat) => Self::Chats {
                    from: chat.from.as_deref(),
                    to: chat.to.as_deref(),
                    received_at: chat.received_at.map(|at| at.secs()),
                    service: chat.service.as_deref(),
                    client: Client {
                        name: chat.client.name.as_deref(),
                        avatar: chat.client.avatar.as_deref(),
                    },
                    origin: ChatSource {
                        chat_id: chat.origin.chat_id.as_deref(),
                        r#ref: chat.origin.reference.as_deref(),
                        visitor_uid: chat.origin.visitor_uid.as_deref(),
                    },
                    last_message_text: chat.last_message_text.as_deref(),
                    source_name: chat.source_name.as_deref(),
                },
                Metadata::Mail(mail) => Self::Mail {
                    from: Author { email: mail.from.email.as_deref(), name: mail.from.name.as_deref() },
                    received_at: mail.received_at.map(|at| at.secs()),
                    subject: mail.subject.as_deref(),
                    thread_id: mail.thread_id.as_deref().and_then(|id| id.parse().ok()),
                    message_id: mail.message_id.as_deref().and_then(|id| id.parse().ok()),
                    content_summary: mail.content_summary.as_deref(),
                },
            }
        }
    }
}
