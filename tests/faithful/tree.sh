# shellcheck shell=bash
# tree.sh FOLDER [NAME]: makes a context's files: those that every case has, and those of a special tree.
set -euo pipefail
cd "$1"
put() { # FILE...: each holds its own name
  local file
  for file in "$@"; do mkdir -p "$(dirname "./$file")"; printf '%s' "$file" > "./$file"; done
}
put a/b/c/x.md a/b/y.md a/z.txt d/e/k d/k README.md foo.MD 'a[1]' 'st*r' star foo/bar/q foo/r keep/one only top \
  src/main.o src/deep/target/out src/deep/lib.tmp node_modules/x/y/z node_modules/w/v .git/HEAD sub/.git/HEAD \
  'with space' 'two  spaces here' '!bang' '#hash' 'é.txt' 日本/語 tab.md 1.txt b.txt .hidden deep/real/k
mkdir -p void/of/files
ln -s a/b/c lnk
ln -s ../d/e a/rel
ln -s real deep/link
ln -s /etc/passwd outside
ln -s round2 round1
ln -s round1 round2
ln -s nowhere dangling
case ${2-} in
hard-links) put one; ln one two; ln one a/three; ln -P lnk lnk2 ;;
modes)
  put run suid sgid none world
  mkdir sticky closed
  chmod 755 run && chmod 4755 suid && chmod 2755 sgid && chmod 000 none && chmod 666 world
  chmod 1777 sticky && chmod 700 closed && chown 1234:4321 run a
  ;;
empty-folders) mkdir -p e1/e2/e3 e4/full; put e4/full/file ;;
not-text) touch $'raw\xff' $'a/\xc3(' ;;
special) mkfifo pipe; mknod null c 1 3; mknod loop b 7 0; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")' ;;
esac
