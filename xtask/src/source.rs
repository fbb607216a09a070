//! Which lines of a Rust source users build, and which are tests.

/// Whether a path, seen from the workspace's folder, is a source of a crate of ours and not a file of tests.
pub(crate) fn is_shipped(path: &str) -> bool {
    let mut parts = path.split('/');
    parts.next() == Some("crates")
        && parts.nth(1) == Some("src")
        && path.ends_with(".rs")
        && parts.all(|part| part != "tests" && part != "tests.rs")
}

/// The lines outside `#[cfg(test)] mod name { … }` with their numbers, from 1.
pub(crate) fn shipped_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut tests = TestModules::default();
    (1..).zip(text.lines()).filter(move |(_, line)| !tests.hold(line))
}

/// Tells the lines of test modules, whose end rustfmt puts into the column where they began.
#[derive(Default)]
struct TestModules {
    after_attribute: bool,
    end: Option<String>,
}

impl TestModules {
    /// Whether the next line of the file belongs to one.
    fn hold(&mut self, line: &str) -> bool {
        if let Some(end) = &self.end {
            if line == end {
                self.end = None;
            }
            return true;
        }
        let code = line.trim_start();
        if self.after_attribute && code.starts_with("mod ") && code.ends_with('{') {
            let indentation = &line[..line.len() - code.len()];
            self.end = Some(format!("{indentation}}}"));
        }
        // Further attributes may stand between the two.
        self.after_attribute = code == "#[cfg(test)]" || self.after_attribute && code.starts_with("#[");
        self.end.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_build_is_told_from_tests_and_tools() {
        for path in ["crates/a/src/lib.rs", "crates/a/src/b/c.rs"] {
            assert!(is_shipped(path), "{path}");
        }
        for path in [
            "crates/a/src/b/tests.rs",
            "crates/a/src/tests/b.rs",
            "crates/a/src/page.html",
            "crates/a/tests/it/main.rs",
            "crates/a/benches/b.rs",
            "xtask/src/main.rs",
        ] {
            assert!(!is_shipped(path), "{path}");
        }
    }

    #[test]
    fn a_test_module_ends_where_it_closes() {
        let text = "1\n#[cfg(test)]\n#[expect(lint)]\nmod tests {\n    fn a() {\n    }\n}\n8\n";
        check(text, &[1, 2, 3, 8]);
    }

    #[test]
    fn a_test_module_in_its_own_file_hides_nothing() {
        check("#[cfg(test)]\nmod tests;\nfn c() {\n}\n", &[1, 2, 3, 4]);
        check("mod a {\n}\n", &[1, 2]);
    }

    #[track_caller]
    fn check(text: &str, expected: &[usize]) {
        let lines: Vec<_> = shipped_lines(text).map(|(number, _)| number).collect();
        assert_eq!(lines, expected);
    }
}
