# To be sourced: enough for Django to start without a database and without anybody's settings files. Tokens are of
# HS256, the algorithm of older installations; everything on a throw-away server has ES256.
export CHAIRSIDE_NO_ENV_FILES=1
for name in DB_PASSWORD SSE_DB_PASSWORD DJANGO_SECRET_KEY JWT_SECRET_KEY; do
  export "$name=$(printf %s "made up for $name" | sha256sum | cut -c 1-48)"
done
# A variable of the shell that calls must not change what is checked.
unset PYTHONDONTWRITEBYTECODE name JWT_ALGORITHM JWT_PUBLIC_KEY JWT_PRIVATE_KEY DJANGO_DEBUG FASTAPI_DEBUG \
  DB_HOST DB_PORT DB_NAME DB_USER DB_ADMIN_USER DB_ADMIN_PASSWORD DB_IDLE_TRANSACTION_SECONDS SSE_DB_USER MIGRATED_COPY
