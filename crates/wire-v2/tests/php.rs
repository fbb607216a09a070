//! Our forms against those of PHP: recorded ones always, and real PHP where it is at hand; where it is not, its tests
//! show as ignored, but in CI, where they fail.

#![expect(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

use std::io::Write as _;
use std::process::{Command, ExitCode, Stdio};

use http::Request;
use incoming_leads_model::{Add, Channel};
use incoming_leads_wire_v2::fixtures::{self, Kind};
use incoming_leads_wire_v2::{Encoding, Origin, add};
use libtest_mimic::{Arguments, Failed, Trial};

/// An add in which everything that PHP escapes, drops or turns into a text occurs.
const TRICKY: &str = include_str!("../testdata/php/tricky.json");
/// What PHP 8.2 made of it.
const TRICKY_FORM: &str = include_str!("../testdata/php/tricky.form");

const BUILD: &str = "echo http_build_query(json_decode(file_get_contents('php://stdin'), true));";
const PARSE: &str = "parse_str(file_get_contents('php://stdin'), $fields); echo json_encode($fields);";

fn main() -> ExitCode {
    let has_php = Command::new("php").arg("--version").stdout(Stdio::null()).status().is_ok();
    let skips = !has_php && std::env::var_os("CI").is_none_or(|value| value.is_empty());
    let real = |name: &str, test: fn() -> Result<(), Failed>| {
        Trial::test(name, test).with_kind("php").with_ignored_flag(skips)
    };
    let trials = vec![
        Trial::test("a_recorded_form_means_what_its_json_means", recorded),
        real("php_writes_what_was_recorded", || same(&php(BUILD, TRICKY), TRICKY_FORM)),
        real("php_writes_the_examples_of_the_document", examples),
        real("php_writes_our_forms", php_writes_our_forms),
        real("php_reads_our_forms", php_reads_our_forms),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The document's own code, and the forms that were recorded of it.
const EXAMPLES: [(&str, &str); 3] = [
    (include_str!("../testdata/php/add_sip.php"), include_str!("../testdata/php/add_sip.form")),
    (include_str!("../testdata/php/accept.php"), include_str!("../testdata/php/accept.form")),
    (include_str!("../testdata/php/decline.php"), include_str!("../testdata/php/decline.form")),
];

fn examples() -> Result<(), Failed> {
    for (code, form) in EXAMPLES {
        same(&php(code.trim_start_matches("<?php"), ""), form)?;
    }
    Ok(())
}

fn same(one: &str, other: &str) -> Result<(), Failed> {
    if one == other { Ok(()) } else { Err(format!("{one}\nis not\n{other}").into()) }
}

/// What PHP's code writes to its output when `input` is its input.
fn php(code: &str, input: &str) -> String {
    let mut php = Command::new("php");
    let mut php = php.args(["-r", code]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    php.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = php.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn read(content_type: &str, body: &str) -> Add {
    let request = Request::post("/").header("content-type", content_type).body(body.as_bytes()).unwrap();
    add::read_request(Channel::Sip, &request).unwrap()
}

fn of_form(body: &str) -> Add {
    read("application/x-www-form-urlencoded", body)
}

fn of_json(body: &str) -> Add {
    read("application/json", body)
}

fn written(add: &Add, encoding: Encoding) -> String {
    let request = add::request(add, encoding, &Origin::new("https://example.amocrm.com").unwrap());
    String::from_utf8(request.into_body()).unwrap()
}

/// Every add that a document prints, and the tricky one.
fn adds() -> Vec<Add> {
    let printed = fixtures::ALL.iter().filter(|fixture| fixture.name.contains("add_"));
    let printed = printed.map(|fixture| match fixture.kind {
        Kind::Form => of_form(fixture.body),
        _ => of_json(fixture.body),
    });
    printed.chain([of_form(TRICKY_FORM)]).collect()
}

/// But for what a form cannot carry.
fn recorded() -> Result<(), Failed> {
    let without = |text: &str| {
        let text = text.replace("\"nothing\": null,", "").replace("\"empty\": [],", "");
        text.replace("\"negative\": -5", "\"negative\": \"-5\"")
            .replace("\"unwanted\": false", "\"unwanted\": \"0\"")
    };
    let (json, form) = (of_json(&without(TRICKY)), of_form(TRICKY_FORM));
    let [form, json] = [form, json].map(|add| serde_json::to_string(&add).unwrap());
    same(&form, &json)
}

fn php_writes_our_forms() -> Result<(), Failed> {
    for add in adds() {
        same(&php(BUILD, &written(&add, Encoding::Json)), &written(&add, Encoding::Form))?;
    }
    Ok(())
}

fn php_reads_our_forms() -> Result<(), Failed> {
    for add in adds() {
        let read = of_json(&php(PARSE, &written(&add, Encoding::Form)));
        same(
            &serde_json::to_string(&read).unwrap(),
            &serde_json::to_string(&of_form(&written(&add, Encoding::Form))).unwrap(),
        )?;
    }
    Ok(())
}
