# A host of runit with one service that waits to be watched.
printf 'ID=void\nNAME="Void"\n' > /etc/os-release
rm -f /etc/debian_version /etc/lsb-release
rm -f /usr/bin/systemctl /bin/systemctl
mkdir -p /etc/service /etc/sv/demo
printf '#!/bin/sh\nexec sleep 1000\n' > /etc/sv/demo/run
chmod 755 /etc/sv/demo/run
runsvdir /etc/service > /dev/null 2>&1 < /dev/null &
