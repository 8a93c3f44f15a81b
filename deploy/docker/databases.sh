#!/bin/bash
# One database and one role per service, and none may open another's. PostgreSQL runs this once, on an empty volume.
set -euo pipefail

for service in scheduler publisher monitor maintenance console; do
    password="${service^^}_DATABASE_PASSWORD"
    psql --username postgres --set ON_ERROR_STOP=1 --set service="$service" --set password="${!password}" <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service";
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
SQL
done
psql --username postgres --set ON_ERROR_STOP=1 --command 'REVOKE ALL ON DATABASE postgres FROM PUBLIC'
