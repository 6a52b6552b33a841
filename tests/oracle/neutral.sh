# Takes out of a throwaway copy of a root ($1) what differs between machines and shows in what states say: which ids are
# free, and what git and pip are set up with. Recordings and tests both begin with it.
cd "$1" || exit 99
people='$3 < 900 || $3 >= 65534'
for list in passwd group; do awk -F: "$people" "etc/$list" >"tmp/$list" && cat "tmp/$list" >"etc/$list" && rm "tmp/$list"; done
echo 'first:x:1000:1000::/home/first:/bin/sh' >>etc/passwd
echo 'first:x:1000:' >>etc/group
awk -F: 'NR == FNR { known[$1]; next } $1 in known' etc/passwd etc/shadow >tmp/shadow && cat tmp/shadow >etc/shadow && rm tmp/shadow
echo 'first:!:19000:0:99999:7:::' >>etc/shadow
rm -f etc/gitconfig etc/pip.conf root/.pip/pip.conf root/.config/pip/pip.conf root/.config/git/config
printf '[user]\n\temail = before@example.com\n' >root/.gitconfig
