// A real provider of OpenID Connect for tests: `oidc-provider`, from the folder that is named first, for the place that is
// named second. It prints its issuer and serves until it is killed. Whoever signs in is who they say.
import http from 'node:http';

const [, , library, back] = process.argv;
const { Provider } = await import(`${library}/lib/index.js`);

const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'trueline',
      client_secret: 'a secret: of/tests+',
      redirect_uris: [back],
    }],
    claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, groups: ['ops', `of-${id}`] }),
    }),
    pkce: { required: () => true },
    cookies: { keys: ['of the tests'] },
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
