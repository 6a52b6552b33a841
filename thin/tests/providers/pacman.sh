# Two versions of a package in a repository at /srv/arch; the database of repo-add, written by hand, has the newer.
printf 'ID=arch\nNAME="Arch Linux"\n' > /etc/os-release
rm -f /etc/debian_version /etc/lsb-release
mkdir -p /srv/arch /root/db/halite-demo-2.0-1 /var/lib/pacman && cd /root
for version in 1.0-1 2.0-1; do
    rm -rf tree && mkdir -p tree/opt/halite-demo && echo "$version" > tree/opt/halite-demo/version
    printf 'pkgname = halite-demo\npkgver = %s\npkgdesc = demo\nbuilddate = 1\npackager = demo\nsize = 6\narch = any\n' \
        "$version" > tree/.PKGINFO
    tar -C tree -czf "/srv/arch/halite-demo-$version-any.pkg.tar.gz" .PKGINFO opt
done
file=halite-demo-2.0-1-any.pkg.tar.gz
printf '%%FILENAME%%\n%s\n\n%%NAME%%\nhalite-demo\n\n%%VERSION%%\n2.0-1\n\n%%DESC%%\ndemo\n\n%%CSIZE%%\n%s\n\n%%ISIZE%%\n6\n\n%%SHA256SUM%%\n%s\n\n%%ARCH%%\nany\n\n' \
    "$file" "$(stat -c %s "/srv/arch/$file")" "$(sha256sum "/srv/arch/$file" | cut -d' ' -f1)" \
    > db/halite-demo-2.0-1/desc
tar -C db -czf /srv/arch/demo.db halite-demo-2.0-1
printf '[options]\nArchitecture = auto\nSigLevel = Never\n[demo]\nServer = file:///srv/arch\n' > /etc/pacman.conf
pacman -U --noconfirm --noprogressbar /srv/arch/halite-demo-1.0-1-any.pkg.tar.gz
