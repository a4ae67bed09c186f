// Shows the document of this service. Nothing is asked of anybody else: the validator, which Swagger UI
// would send the document to, is off, and the page's Content-Security-Policy allows no other origin.
const ui = SwaggerUIBundle({
  dom_id: "#document",
  url: "openapi.json",
  validatorUrl: null,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // What nearly everybody is here for is open from the start.
  onComplete: () => ui.layoutActions.show(["operations", "data", "by_group_and_type"], true),
});
