//! The paths of the files that the engine may ask for, by the number of their entry.
//!
//! Each entry keeps its own name and the number of its folder, so 100,000 files cost about 2 MB.

/// Top bit of `parent`: the content may be asked for.
const OPEN: u32 = 1 << 31;
/// No folder above.
const ROOT: u32 = OPEN - 1;

#[derive(Debug, Default)]
pub(super) struct Index {
    names: Vec<u8>,
    /// Folder (with `OPEN`) and start of the name.
    items: Vec<(u32, u32)>,
    /// The folders that the walk is in, with their numbers.
    folders: Vec<(Vec<u8>, u32)>,
}

/// There are more entries than the protocol can number.
#[derive(Debug)]
pub(super) struct Full;

impl Index {
    /// Adds the next entry of a walk. `requestable`: it is a regular file.
    pub(super) fn push(&mut self, path: &[u8], folder: bool, requestable: bool) -> Result<(), Full> {
        while let Some((above, _)) = self.folders.last() {
            if path.strip_prefix(above.as_slice()).is_some_and(|rest| rest.starts_with(b"/")) {
                break;
            }
            self.folders.pop();
        }
        let (skip, parent) = match self.folders.last() {
            Some((above, number)) => (above.len() + 1, *number),
            None => (0, ROOT),
        };
        let number = u32::try_from(self.items.len()).map_err(|_| Full)?;
        let start = u32::try_from(self.names.len()).map_err(|_| Full)?;
        if number >= ROOT {
            return Err(Full);
        }
        if folder || requestable {
            self.names.extend_from_slice(path.get(skip..).unwrap_or_default());
        }
        self.items.push((parent | if requestable { OPEN } else { 0 }, start));
        if folder {
            self.folders.push((path.to_vec(), number));
        }
        Ok(())
    }

    /// Whether the content of an entry may be asked for, which it may once.
    pub(super) fn claim(&mut self, number: u32) -> bool {
        match self.items.get_mut(number as usize) {
            Some(item) if item.0 & OPEN != 0 => {
                item.0 &= !OPEN;
                true
            }
            _ => false,
        }
    }

    /// The path of a folder, or of an entry that was claimed.
    pub(super) fn path(&self, number: u32) -> Option<Vec<u8>> {
        let mut parts = Vec::new();
        let mut at = number;
        while at != ROOT {
            let (parent, start) = *self.items.get(at as usize)?;
            let end = self.items.get(at as usize + 1).map_or(self.names.len(), |next| next.1 as usize);
            parts.push(self.names.get(start as usize..end)?);
            at = parent & !OPEN;
        }
        parts.reverse();
        Some(parts.join(&b'/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back_once_and_only_those_of_files() {
        let mut index = Index::default();
        let take = |index: &mut Index, number| index.claim(number).then(|| index.path(number)).flatten();
        for (path, folder, file) in [
            ("a", true, false),
            ("a/b", true, false),
            ("a/b/link", false, false),
            ("a/b/file", false, true),
            ("a/c", false, true),
            ("ab", false, true),
        ] {
            index.push(path.as_bytes(), folder, file).unwrap();
        }
        assert_eq!(take(&mut index, 3).unwrap(), b"a/b/file");
        assert_eq!(take(&mut index, 5).unwrap(), b"ab");
        assert_eq!(take(&mut index, 4).unwrap(), b"a/c");
        for none in [0, 1, 2, 3, 6, u32::MAX] {
            assert_eq!(take(&mut index, none), None, "{none}");
        }
    }
}
