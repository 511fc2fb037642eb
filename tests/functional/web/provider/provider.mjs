// A real OpenID Connect provider on loopback for the tests: `node provider.mjs PORT ROOM_ADDRESS SECRET`.
// Its own development pages ask for any login and take it as the account's subject identifier.
import Provider from "oidc-provider";

const [port, room, secret] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "readingroom",
      client_secret: secret,
      redirect_uris: [`${room}/sign-in/callback`],
      response_types: ["code"],
      grant_types: ["authorization_code"],
      backchannel_logout_uri: `${room}/sign-in/ended`,
      backchannel_logout_session_required: true,
      post_logout_redirect_uris: [`${room}/sign-in`],
    },
  ],
  features: { backchannelLogout: { enabled: true } },
  pkce: { required: () => true, methods: ["S256"] },
  claims: { openid: ["sub", "sid", "auth_time", "acr"] },
});
provider.listen(Number(port), "127.0.0.1", () => process.stdout.write("ready\n"));
