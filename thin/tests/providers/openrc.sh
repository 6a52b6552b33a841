# A host of OpenRC with one service, as after its boot.
printf 'ID=alpine\nNAME="Alpine Linux"\nVERSION_ID=3.20\n' > /etc/os-release
rm -f /etc/debian_version /etc/lsb-release
rm -f /usr/bin/systemctl /bin/systemctl
for kind in daemons exclusive failed hotplugged inactive options scheduled started starting stopping tmp wasinactive; do
    mkdir -p "/run/openrc/$kind"
done
echo default > /run/openrc/softlevel && touch /run/openrc/softlevel
cat > /etc/init.d/demo <<'SERVICE'
#!/sbin/openrc-run
command=/bin/sleep
command_args=1000
command_background=true
pidfile=/run/demo.pid
SERVICE
chmod 755 /etc/init.d/demo
