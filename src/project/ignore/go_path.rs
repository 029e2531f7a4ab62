//! The three functions of Go's `path/filepath` that Docker's pattern rules are written in terms of.
//!
//! Bytes in, bytes out, Unix separators only. No file is touched and nothing else of Go belongs here.

/// Splits off the first rune as Go does: an invalid byte is one rune of width 1 (`None`).
pub(super) fn rune(text: &[u8]) -> Option<(Option<char>, usize)> {
    let chunk = text.utf8_chunks().next()?;
    match chunk.valid().chars().next() {
        Some(c) => Some((Some(c), c.len_utf8())),
        None => Some((None, 1)),
    }
}

/// `strings.TrimSpace`: Unicode white space off both ends.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let Some((Some(c), width)) = rune(text) {
        if !c.is_whitespace() {
            break;
        }
        text = text.get(width..).unwrap_or_default();
    }
    loop {
        // The longest rune is four bytes; the one that ends the text starts in its last four.
        let last = (1..=4).find_map(|width| {
            let tail = text.get(text.len().checked_sub(width)?..)?;
            let mut chars = std::str::from_utf8(tail).ok()?.chars();
            chars.next().map(|c| (c, width))
        });
        match last {
            Some((c, width)) if c.is_whitespace() => {
                text = text.get(..text.len() - width).unwrap_or_default();
            }
            _ => return text,
        }
    }
}

/// `filepath.Clean`: the shortest path with the same meaning by text alone; `.` for nothing.
pub fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.first() == Some(&b'/');
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => match parts.last() {
                Some(last) if *last != b".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(part),
            },
            _ => parts.push(part),
        }
    }
    let mut out = Vec::with_capacity(path.len());
    if rooted {
        out.push(b'/');
    }
    out.extend_from_slice(&parts.join(&b'/'));
    if out.is_empty() {
        out.push(b'.');
    }
    out
}

/// The error state of `filepath.Match`: `Err` with the byte at which the pattern stops making sense.
pub(super) fn check_syntax(pattern: &[u8]) -> Result<(), usize> {
    let mut at = 0;
    while let Some(byte) = pattern.get(at) {
        match byte {
            b'\\' => {
                if at + 1 >= pattern.len() {
                    return Err(at);
                }
                at += 2;
            }
            b'[' => at = check_class(pattern, at)?,
            _ => at += 1,
        }
    }
    Ok(())
}

/// Checks `[...]` at `open` and returns the place after it.
fn check_class(pattern: &[u8], open: usize) -> Result<usize, usize> {
    let mut at = open + 1;
    if pattern.get(at) == Some(&b'^') {
        at += 1;
    }
    let mut ranges = 0;
    loop {
        if pattern.get(at) == Some(&b']') && ranges > 0 {
            return Ok(at + 1);
        }
        at = check_class_char(pattern, at, open)?;
        if pattern.get(at) == Some(&b'-') {
            at = check_class_char(pattern, at + 1, open)?;
        }
        ranges += 1;
    }
}

/// Go's `getEsc`: one character inside brackets, after which something must follow.
fn check_class_char(pattern: &[u8], at: usize, open: usize) -> Result<usize, usize> {
    let start = match pattern.get(at) {
        None => return Err(open),
        Some(b'-' | b']') => return Err(at),
        Some(b'\\') => at + 1,
        Some(_) => at,
    };
    match pattern.get(start..).and_then(rune) {
        Some((Some(_), width)) if start + width < pattern.len() => Ok(start + width),
        Some((None, _)) => Err(start),
        _ => Err(open),
    }
}

/// `filepath.Match` for one name (no separators in it): true when the pattern matches the whole name.
pub(in crate::project) fn match_name(pattern: &[u8], name: &[u8]) -> bool {
    if check_syntax(pattern).is_err() {
        return false;
    }
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&b'*') {
            retry = Some((p, n));
            p += 1;
            continue;
        }
        if p == pattern.len() && n == name.len() {
            return true;
        }
        if let Some((p2, n2)) = step(pattern, p, name, n) {
            (p, n) = (p2, n2);
            continue;
        }
        // The last star takes one byte more, as long as there is one.
        match retry {
            Some((star, from)) if from < name.len() => {
                retry = Some((star, from + 1));
                (p, n) = (star + 1, from + 1);
            }
            _ => return false,
        }
    }
}

/// Matches one element of a pattern (not a star) against one rune.
fn step(pattern: &[u8], p: usize, name: &[u8], n: usize) -> Option<(usize, usize)> {
    let (_, width) = name.get(n..).and_then(rune)?;
    match *pattern.get(p)? {
        b'?' => Some((p + 1, n + width)),
        b'[' => class(pattern, p, name.get(n..)?).map(|p2| (p2, n + width)),
        b'\\' => (pattern.get(p + 1) == name.get(n)).then_some((p + 2, n + 1)),
        byte => (name.get(n) == Some(&byte)).then_some((p + 1, n + 1)),
    }
}

/// Whether the first rune of `name` is in the class at `p`; the place after the class if so.
fn class(pattern: &[u8], p: usize, name: &[u8]) -> Option<usize> {
    let point = |text: &[u8]| rune(text).map(|(c, w)| (c.map_or(0xFFFD, u32::from), w));
    let (wanted, _) = point(name)?;
    let mut at = p + 1;
    let negated = pattern.get(at) == Some(&b'^');
    at += usize::from(negated);
    let mut hit = false;
    let mut ranges = 0;
    loop {
        if pattern.get(at) == Some(&b']') && ranges > 0 {
            return (hit != negated).then_some(at + 1);
        }
        let next = |at: &mut usize| {
            *at += usize::from(pattern.get(*at) == Some(&b'\\'));
            let (c, width) = point(pattern.get(*at..)?)?;
            *at += width;
            Some(c)
        };
        let low = next(&mut at)?;
        let mut high = low;
        if pattern.get(at) == Some(&b'-') {
            at += 1;
            high = next(&mut at)?;
        }
        hit |= (low..=high).contains(&wanted);
        ranges += 1;
    }
}
