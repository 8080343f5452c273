// A self-signed certificate for localhost, for tests alone; its key is public and protects nothing.

export const testCertificate = `
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUOXdazM5MZZcftWDuZZ4omRSfrhgwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMDEzNDQzNVoYDzIxMjYxMDI3
MTM0NDM1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATadlQah5yFIi9xeJJkXIyi/vZg8O3ZLEbfW0BKEucH4wg9vr7kD3Ym
8I/h/OCvry3xvteMaIR3Q+72F2lKnIC9o28wbTAdBgNVHQ4EFgQUyge6xVcVjEaW
xr/auYQVdNahj7cwHwYDVR0jBBgwFoAUyge6xVcVjEaWxr/auYQVdNahj7cwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAI4T2GlMof9CUe4N2NDR2Apb3KZ73vLKSNIel5A77DKeAiBu
dAW+ZPPBAVGPY5Q8zpii5HkqzE7XD+89dfrtZl0uIQ==
-----END CERTIFICATE-----
`.trimStart();

export const testKey = `
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQazxLzKeMuh6u98P
FbbohcDYjAMrYh0Zv0riF/G41eqhRANCAATadlQah5yFIi9xeJJkXIyi/vZg8O3Z
LEbfW0BKEucH4wg9vr7kD3Ym8I/h/OCvry3xvteMaIR3Q+72F2lKnIC9
-----END PRIVATE KEY-----
`.trimStart();
