/** What a single-page app does in a day, against a running server: WEB and TOKEN name it. */
import assert from "node:assert/strict";
import type { components } from "./schema.js";
import { pipedesk, type Lead, type Problem } from "./client.js";

type PageOfLeads = { data?: components["schemas"]["PaginatedLeadList"] };
const { WEB, TOKEN } = process.env;
assert(WEB && TOKEN);
const api = pipedesk(WEB, TOKEN);

async function created(legal_name: string, key: string): Promise<{ lead: Lead; tag: string }> {
  const { data, response } = await api.POST("/api/leads", {
    params: { header: { "Idempotency-Key": key } },
    body: { legal_name, address_state: "SP" },
  });
  assert(data, "a lead is made");
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("Location"), `/api/leads/${data.id}`);
  const tag = response.headers.get("ETag");
  assert(tag);
  return { lead: data, tag };
}

async function changedUnlessStale(): Promise<void> {
  const { lead, tag } = await created("Cliente Tipado", "typed-1");
  const again = await created("Cliente Tipado", "typed-1");
  assert.equal(again.lead.id, lead.id, "the same key is the same lead");

  const change = await api.PATCH("/api/leads/{id}", {
    params: { path: { id: lead.id }, header: { "If-Match": tag } },
    body: { trade_name: "Tipado" },
  });
  assert.equal(change.data?.trade_name, "Tipado");

  const stale = await api.PATCH("/api/leads/{id}", {
    params: { path: { id: lead.id }, header: { "If-Match": tag } },
    body: { trade_name: "Atrasado" },
  });
  assert.equal(stale.response.status, 412);
  const problem: Problem | undefined = stale.error;
  assert.equal(problem?.code, "precondition_failed");
  assert(problem.details.some((detail) => detail.field === "trade_name"));

  const seen = await api.GET("/api/leads/{id}", {
    params: {
      path: { id: lead.id },
      header: { "If-None-Match": change.response.headers.get("ETag") ?? "" },
    },
  });
  assert.equal(seen.response.status, 304);
}

async function refusedWithReasons(): Promise<void> {
  const { error, response } = await api.POST("/api/contacts", {
    body: { name: "Sem endereço", email: "not an address" },
  });
  assert.equal(response.status, 422);
  assert.equal(error?.code, "validation_error");
  assert.deepEqual(
    error.details.map((detail) => detail.field),
    ["email"],
  );
}

async function readPageByPage(): Promise<void> {
  for (const name of ["Página A", "Página B", "Página C"]) {
    await created(name, name.replace("Página ", "page-"));
  }
  const seen = new Set<string>();
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: PageOfLeads = await api.GET("/api/leads", {
      params: { query: { cursor, page_size: 2, order_by: "-created_at" } },
    });
    assert(page.data && "next_cursor" in page.data.pagination);
    for (const lead of page.data.data) seen.add(lead.id);
    cursor = page.data.pagination.next_cursor;
  }
  const { data } = await api.GET("/api/leads", { params: { query: { page: 1 } } });
  assert(data && "total" in data.pagination);
  assert.equal(seen.size, data.pagination.total);
}

async function worked(): Promise<void> {
  const { lead } = await created("Cliente Qualificado", "typed-2");
  const list = await api.GET("/api/leads/sales-view", {
    params: { query: { search: "qualificado", order_by: "next_action" } },
  });
  assert.equal(list.data?.data[0]?.next_action.code, "call_first_time");

  const path = { id: lead.id };
  const qualified = await api.POST("/api/leads/{id}/qualify", {
    params: { path },
    body: { new_company: { name: "Cliente Qualificado SA" }, new_deal: { title: "Torre" } },
  });
  assert.equal(qualified.data?.company?.name, "Cliente Qualificado SA");
  assert.equal(qualified.data.lead.id, lead.id);

  const twice = await api.POST("/api/leads/{id}/qualify", {
    params: { path },
    body: { new_company: { name: "Outra" } },
  });
  assert.equal(twice.response.status, 409);
  assert.equal(twice.error?.code, "conflict");
}

await changedUnlessStale();
await refusedWithReasons();
await readPageByPage();
await worked();
console.log("the journey is complete");
