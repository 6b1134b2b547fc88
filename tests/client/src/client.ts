/** PipeDesk's API, typed by its OpenAPI document. */
import createClient, { type Client, type FetchOptions, type FetchResponse } from "openapi-fetch";
import type { HttpMethod, PathsWithMethod, RequiredKeysOf } from "openapi-typescript-helpers";
import type { components, paths } from "./schema.js";

export type Lead = components["schemas"]["Lead"];
export type Problem = components["schemas"]["Problem"];

type Operation<Path extends keyof paths, Method extends HttpMethod> = Extract<
  paths[Path][Method & keyof paths[Path]],
  Record<string | number, any>
>;
type Arguments<Options> =
  RequiredKeysOf<Options> extends never ? [options?: Options] : [options: Options];
/** Unlike openapi-fetch's own: a parameter or field that nobody declared does not compile. */
type Call<Method extends HttpMethod> = <Path extends PathsWithMethod<paths, Method>>(
  path: Path,
  ...options: Arguments<FetchOptions<Operation<Path, Method>>>
) => Promise<
  FetchResponse<Operation<Path, Method>, FetchOptions<Operation<Path, Method>>, `${string}/${string}`>
>;
export type PipeDesk = {
  GET: Call<"get">;
  POST: Call<"post">;
  PUT: Call<"put">;
  PATCH: Call<"patch">;
  DELETE: Call<"delete">;
} & Pick<Client<paths>, "use" | "eject">;

/** A client of the server at this address, calling with this bearer token. */
export function pipedesk(baseUrl: string, token: string): PipeDesk {
  const client = createClient<paths>({ baseUrl });
  client.use({
    onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${token}`);
      return request;
    },
  });
  return client as unknown as PipeDesk;
}
