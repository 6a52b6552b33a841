# Two versions of a package in a repository at /srv/rpm. $1 is the system's name: Fedora Linux, or openSUSE Leap.
case $1 in openSUSE*) id=opensuse-leap ;; *) id=fedora ;; esac
printf 'NAME="%s"\nID=%s\nVERSION_ID=41\n' "$1" "$id" > /etc/os-release
rm -f /etc/debian_version /etc/lsb-release /etc/apt/sources.list
mkdir -p /srv/rpm /etc/rpm && cd /root
# Debian keeps the database elsewhere, where zypper does not look.
echo "%_dbpath /var/lib/rpm" > /etc/rpm/macros.halite
# The other package keeps the database from being empty, which zypper cannot bear here.
for package in 'halite-demo 1.0' 'halite-demo 2.0' 'halite-other 1.0'; do
    name=${package% *} version=${package#* }
    cat > demo.spec <<SPEC
Name: $name
Version: $version
Release: 1
Summary: A file that says its version.
License: none
BuildArch: noarch
%description
A file that says its version.
%install
mkdir -p %{buildroot}/opt/$name
echo $version > %{buildroot}/opt/$name/version
%files
/opt/$name/version
SPEC
    rpmbuild --quiet -bb --define '_rpmdir /srv/rpm' demo.spec
done
rpm --force-debian --nodeps -i /srv/rpm/noarch/halite-other-*.rpm
createrepo_c -q /srv/rpm
mkdir -p /etc/yum.repos.d /etc/zypp/repos.d
printf '[demo]\nname=demo\nbaseurl=file:///srv/rpm\nenabled=1\ngpgcheck=0\n' \
    | tee /etc/yum.repos.d/demo.repo > /etc/zypp/repos.d/demo.repo
