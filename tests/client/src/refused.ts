/** What must not compile: a line without its fault is a fault itself. */
import { pipedesk, type Lead } from "./client.js";

export async function refused(lead: Lead): Promise<void> {
  const api = pipedesk("http://127.0.0.1", "");
  const path = { id: lead.id };

  // @ts-expect-error  no such address
  await api.GET("/api/leeds");
  // @ts-expect-error  no such method there
  await api.PUT("/api/leads", {});
  // @ts-expect-error  the id is missing
  await api.GET("/api/leads/{id}", {});
  // @ts-expect-error  no such parameter
  await api.GET("/api/leads", { params: { query: { serach: "x" } } });
  // @ts-expect-error  no such sort
  await api.GET("/api/leads", { params: { query: { order_by: "nonsense" } } });
  // @ts-expect-error  the name is required
  await api.POST("/api/leads", { body: { trade_name: "x" } });
  // @ts-expect-error  no such field
  await api.PATCH("/api/leads/{id}", { params: { path }, body: { legalName: "x" } });
  // @ts-expect-error  no such field beside one that is there
  await api.POST("/api/leads", { body: { legal_name: "x", nonsense: 1 } });
  // @ts-expect-error  the wrong type
  await api.PATCH("/api/leads/{id}", { params: { path }, body: { priority_score: "85" } });
  // @ts-expect-error  never null
  await api.PATCH("/api/leads/{id}", { params: { path }, body: { legal_name: null } });
  // @ts-expect-error  a row has no such field
  void lead.legalName;
  // @ts-expect-error  may be null
  void lead.trade_name.length;
}
