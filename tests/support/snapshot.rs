//! Whole outputs against `tests/golden`, by insta: `INSTA_UPDATE=always` accepts what differs, `cargo insta review` shows it.

use std::path::{Path, PathBuf};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

/// Folder and name of a snapshot: they are called like the file that they hold, wherever the test is.
fn place(name: &str) -> (PathBuf, &str) {
    let (folder, name) = name.rsplit_once('/').unwrap_or(("", name));
    (Path::new(GOLDEN).join(folder), name)
}

/// Holds a text against `tests/golden/NAME.snap`, byte for byte.
pub fn whole(name: &str, text: &str) {
    // insta sees neither line breaks at both ends nor of which kind they are.
    let ends = text.ends_with('\n') && !text.ends_with("\n\n") && !text.starts_with('\n') && !text.contains('\r');
    assert!(ends, "{name}: one line break at the end, none at the beginning:\n{text:?}");
    let (folder, name) = place(name);
    insta::with_settings!({ snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

/// Holds a page against `tests/golden/NAME.snap.html`, which a browser opens as it is.
pub fn page(name: &str, text: &str) {
    let (folder, name) = place(name);
    insta::with_settings!({ snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_binary_snapshot!(name, text.as_bytes().to_vec());
    });
}
