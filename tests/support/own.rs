//! A project of five files with two Dockerfiles, as somebody has it who asks which of them is faster.

use crate::tiny::busybox;
use std::fs;
use std::path::Path;

/// Copies everything before the slow step, so that any change repeats it.
pub const NOW: &str = "FROM scratch\nARG VERSION=1\nCOPY busybox /bin/sh\nCOPY busybox /bin/busybox\nWORKDIR /srv\n\
    COPY . .\nRUN /bin/busybox sleep 1\n";

/// Copies the sources last.
pub const NEW: &str = "FROM scratch\nCOPY busybox /bin/sh\nCOPY busybox /bin/busybox\nWORKDIR /srv\n\
    COPY requirements.txt ./\nRUN /bin/busybox true\nCOPY main.py ./\n";

/// Writes the project into a folder.
pub fn project(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    fs::copy(busybox(), dir.join("busybox")).unwrap();
    fs::write(dir.join("main.py"), "print('hello')\n").unwrap();
    fs::write(dir.join("requirements.txt"), "left-pad==1.0").unwrap();
    fs::write(dir.join("Dockerfile"), NOW).unwrap();
    fs::write(dir.join("Dockerfile.new"), NEW).unwrap();
}
