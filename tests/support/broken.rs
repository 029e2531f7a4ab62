//! Tar streams that an engine may send when it, the line or the image is broken.

use crate::golden;
use layerbench::audit::inventory::Inventory;
use layerbench::audit::layers::Layers;
use std::fmt::Write as _;
use tar::{EntryType, Header};

/// A header of this kind, and the bytes behind it.
fn member(kind: EntryType, size: u64, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_path("etc/x").unwrap();
    header.set_size(size);
    header.set_cksum();
    [header.as_bytes(), content].concat()
}

fn changed(at: usize, byte: u8) -> Vec<u8> {
    let mut bytes = member(EntryType::Regular, 0, b"");
    bytes[at] = byte;
    bytes
}

/// A saved image of these files.
fn saved(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

fn holes() -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(0);
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[test]
fn what_is_wrong_with_an_images_stream_is_said() {
    let many = format!(r#"[{{"Layers": [{}]}}]"#, vec!["\"a\""; 2000].join(","));
    let exported = [
        ("that ends in a header", vec![1; 100]),
        ("of which a byte was changed", changed(0, b'z')),
        ("with a number that is none", changed(150, b'\x1b')),
        ("that ends in a file", member(EntryType::Regular, 1000, b"x")),
        ("with an extension that is too long", member(EntryType::XHeader, 2 << 20, b"")),
        ("that ends in an extension", member(EntryType::XHeader, 100, b"x")),
        (
            "with an extension that makes no sense",
            member(EntryType::XHeader, 9, &[&b"99 a=b c\n"[..], &[0; 503]].concat()),
        ),
        ("with holes of another kind", holes()),
        ("of more bytes than there are", member(EntryType::Regular, 1 << 61, b"")),
    ];
    let images = [
        ("without its manifest", saved(&[])),
        ("without its layer", saved(&[("manifest.json", r#"[{"Layers": ["a"]}]"#)])),
        ("of a great many layers", saved(&[("manifest.json", &many)])),
        ("with a layer that is compressed in another way", saved(&[("a", "\u{28}\u{fffd}")])),
    ];
    let mut all = String::new();
    for (what, bytes) in exported {
        let error = Inventory::read(&bytes[..]).expect_err(what);
        writeln!(all, "## an exported file system {what}\n{error}\n").unwrap();
    }
    for (what, mut bytes) in images {
        // Four bytes that begin what zstd compressed; they are no text.
        if let Some(at) = bytes.windows(4).position(|part| part == [0x28, 0xef, 0xbf, 0xbd]) {
            bytes[at..at + 4].copy_from_slice(&[0x28, 0xb5, 0x2f, 0xfd]);
        }
        let error = Layers::read(&bytes[..]).expect_err(what);
        writeln!(all, "## a saved image {what}\n{error}\n").unwrap();
    }
    golden::messages("Images", &all);
}
